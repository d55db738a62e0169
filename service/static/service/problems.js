// What went wrong, in words for people: a title, what to do, and whether trying again can help.

const BY_STATUS = {
  0: ["The service cannot be reached", "Check that it is running and that you are online, then try again.", true],
  400: ["The service did not understand the request", "", false],
  401: ["A key is needed", "Enter your API key above; the photo is then sent again.", false],
  408: ["The upload took too long", "Try again on a better line, or make the photo smaller.", true],
  413: ["This photo is too large", "Make it smaller, or save it at a lower quality.", false],
  415: ["This is not a photo that can be read", "Send JPEG, PNG, WebP, AVIF, HEIC, TIFF, GIF or BMP.", false],
  422: ["No such crop of this photo", "Choose another aspect ratio.", false],
  429: ["The service is busy", "Try again in a moment.", true],
  500: ["The service failed on this photo", "Try again; if it happens twice, tell its operator.", true],
  503: ["The service is not ready", "It is starting or being replaced. Try again in a moment.", true],
  504: ["This took too long", "The service was too busy, or the upload too slow. Try again.", true],
};

const DAMAGED = ["This photo is damaged", "It may be cut short. Copy or download the file again.", false];

/** { title, advice, detail, canRetry } of a ServiceError. */
export function describe(error) {
  const row = error.code === "broken_photo" ? DAMAGED : BY_STATUS[error.status];
  const [title, advice, canRetry] = row ?? [`The service answered ${error.status}`, "Try again later.", true];
  const detail = error.message ? error.message[0].toUpperCase() + error.message.slice(1) + "." : "";
  return { title, advice, detail, canRetry };
}
