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

/** The crops of `upload` for each of `ratios` and where the time went (milliseconds). `onProgress`: 0 to 1 sent. */
export async function cropPhoto(upload, ratios, keep, { signal, onProgress } = {}) {
  const began = performance.now();
  const answer = await post(`crop?${cropQuery(ratios, keep)}`, upload, { signal, onProgress });
  const timing = readServerTiming(answer.header("Server-Timing"));
  return { answer: await answer.json(), timing: { ...timing, roundTrip: performance.now() - began } };
}

/** What the service says of boxes of one's own, meant for `ratio` and given as fractions of the sides; in their order. */
export async function scoreBoxes(upload, ratio, boxes, signal) {
  const options = [["aspect_ratio", ratio], ...boxes.map((box) => ["box", fractions(box)])];
  const answer = await (await post(`score?${query(options)}`, upload, { signal })).json();
  return answer.boxes;
}

/** The photo upright and uncropped, as a picture that every browser shows. */
export async function wholePicture(upload, { width, height }, { signal, format = "jpeg", quality = 92 } = {}) {
  // The largest crop that has the photo's own ratio is the whole photo.
  const options = [["aspect_ratio", `${width}:${height}`], ["min_scale", 1], ["format", format]];
  if (format !== "png") options.push(["quality", quality]);
  return (await post(`crop/image?${query(options)}`, upload, { signal })).blob;
}

/** What the service fetched from `url` itself: its size, then its pixels. For services that are set up for it. */
export async function pictureFromUrl(url, signal) {
  const found = await send("GET", `crop?${query([["url", url], ["top_k", 1]])}`, { signal });
  const { width, height } = (await found.json()).image;
  const options = [["url", url], ["aspect_ratio", `${width}:${height}`], ["min_scale", 1], ["format", "jpeg"], ["quality", 95]];
  return (await send("GET", `crop/image?${query(options)}`, { signal })).blob;
}

/** The query of POST /crop; also what the copied command sends. */
export function cropQuery(ratios, keep = []) {
  return query([
    ["top_k", TOP_K], ["max_overlap", MAX_OVERLAP],
    ...ratios.map((ratio) => ["aspect_ratio", ratio]), ...keep.map((box) => ["keep", fractions(box)]),
  ]);
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

function fractions({ x, y, width, height }) {
  const round = (number) => Number(Math.min(1, Math.max(0, number)).toFixed(6));
  return [round(x), round(y), round(Math.min(width, 1 - round(x))), round(Math.min(height, 1 - round(y)))].join(",");
}

function query(pairs) {
  const text = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString();
  return text.replaceAll("%3A", ":").replaceAll("%2C", ",");
}

function post(path, upload, options) {
  const body = new FormData();
  body.append("image", upload, upload.name ?? "photo.jpg");
  return send("POST", path, { ...options, body });
}

/** XMLHttpRequest, because fetch does not tell how much of an upload has gone out. */
async function send(method, path, { body = null, signal, onProgress } = {}) {
  signal?.throwIfAborted();
  const request = new XMLHttpRequest();
  request.open(method, path);
  request.responseType = "blob";
  if (hasKey()) request.setRequestHeader("X-API-Key", readKey());
  if (onProgress) request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
  const abort = () => request.abort();
  signal?.addEventListener("abort", abort, { once: true });
  await new Promise((resolve, reject) => {
    request.onload = resolve;
    request.onerror = () => reject(new ServiceError(0, "unreachable", ""));
    request.onabort = () => reject(new DOMException("taken away", "AbortError"));
    request.send(body);
  }).finally(() => signal?.removeEventListener("abort", abort));
  const answer = {
    blob: request.response, header: (name) => request.getResponseHeader(name),
    json: async () => JSON.parse(await request.response.text()),
  };
  if (request.status < 200 || request.status > 299) throw await readError(request.status, answer);
  return answer;
}

async function readError(status, answer) {
  const seconds = Number.parseInt(answer.header("Retry-After") ?? "", 10);
  let code = "";
  let message = "";
  try {
    ({ code, message } = (await answer.json()).error);
  } catch {
    // A proxy in front of the service answers in its own words; the status says enough.
  }
  return new ServiceError(status, code, message, Number.isNaN(seconds) ? null : seconds);
}

function readServerTiming(header) {
  const stages = {};
  for (const part of (header ?? "").split(",")) {
    const [name, duration] = part.trim().split(";dur=");
    if (duration !== undefined) stages[name] = Number(duration);
  }
  return stages;
}
