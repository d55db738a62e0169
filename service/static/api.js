// Requests to the service and its errors. Knows HTTP; knows nothing of what is shown.

export const TOP_K = 6;
// Without a limit neighbours in rank are near twins; at 0.8 one sees the difference and good crops are not lost.
export const MAX_OVERLAP = 0.8;

const KEY_NAME = "vrn-api-key";

/** An answer that is no crop: `status` 0 where there was no answer at all. */
export class ServiceError extends Error {
  constructor(status, code, message, retryAfterS = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterS = retryAfterS;
  }
}

/** The crops of `file` for each of `ratios`, from one pass, and where the time went (milliseconds). */
export async function cropPhoto(file, ratios, signal) {
  const began = performance.now();
  const response = await post(`crop?${cropQuery(ratios)}`, file, signal);
  const answer = await response.json();
  const timing = readServerTiming(response.headers.get("Server-Timing"));
  return { answer, timing: { ...timing, roundTrip: performance.now() - began } };
}

/** The cropped picture: its file, and the box that it was cut from as [x, y, width, height]. */
export async function cropPicture(file, options, signal) {
  const response = await post(`crop/image?${query(options)}`, file, signal);
  const box = (response.headers.get("X-Crop-Box") ?? "").split(",").map(Number);
  return { blob: await response.blob(), box };
}

/** The query of POST /crop; also what the copied command sends. */
export function cropQuery(ratios) {
  return query([["top_k", TOP_K], ["max_overlap", MAX_OVERLAP], ...ratios.map((ratio) => ["aspect_ratio", ratio])]);
}

export function hasKey() {
  return readKey() !== null;
}

export function setKey(key) {
  memoryKey = key;
  try {
    sessionStorage.setItem(KEY_NAME, key);
  } catch {
    // Storage may be forbidden; the key then lives as long as the page.
  }
}

let memoryKey = null;

function readKey() {
  try {
    return memoryKey ?? sessionStorage.getItem(KEY_NAME);
  } catch {
    return memoryKey;
  }
}

function query(pairs) {
  return new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString().replaceAll("%3A", ":");
}

async function post(path, file, signal) {
  const body = new FormData();
  body.append("image", file, file.name);
  const headers = hasKey() ? { "X-API-Key": readKey() } : {};
  let response;
  try {
    response = await fetch(path, { method: "POST", body, headers, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ServiceError(0, "unreachable", "");
  }
  if (!response.ok) throw await readError(response);
  return response;
}

async function readError(response) {
  const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  let code = "";
  let message = "";
  try {
    ({ code, message } = (await response.json()).error);
  } catch {
    // A proxy in front of the service answers in its own words; the status says enough.
  }
  return new ServiceError(response.status, code, message, Number.isNaN(seconds) ? null : seconds);
}

function readServerTiming(header) {
  const stages = {};
  for (const part of (header ?? "").split(",")) {
    const [name, duration] = part.trim().split(";dur=");
    if (duration !== undefined) stages[name] = Number(duration);
  }
  return stages;
}
