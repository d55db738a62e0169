// Whether browser and service may disagree on which way up a photo is. Then the page shows the service's frame.
//
// Both turn a JPEG by its EXIF orientation, and neither follows XMP. The service also follows EXIF in WebP, PNG and
// other files; browsers differ. So a file that carries such an orientation is not judged here, only suspected.

const ORIENTATION_TAG = 0x0112;
const UPRIGHT = 1;

/** True where the browser's upright frame cannot be trusted to be the service's. */
export async function isFrameDoubtful(file) {
  const start = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  if (start[0] === 0xff && start[1] === 0xd8) return false; // a JPEG
  const bytes = new Uint8Array(await file.arrayBuffer());
  const orientation = exifOrientation(new TextDecoder("latin1").decode(bytes), bytes);
  return orientation !== null && orientation > UPRIGHT && orientation <= 8;
}

/** The orientation of the first EXIF block, or null. It is a small TIFF file: byte order, then a list of tags. */
function exifOrientation(text, bytes) {
  const marker = /(?:Exif\0\0|EXIF[^]{4}|eXIf|Exif[^]{0,8}?)(?=II\*\0|MM\0\*)/.exec(text);
  if (!marker) return null;
  const view = new DataView(bytes.buffer, marker.index + marker[0].length);
  const isLittle = view.getUint16(0) === 0x4949;
  try {
    const list = view.getUint32(4, isLittle);
    const count = view.getUint16(list, isLittle);
    for (let index = 0; index < count; index += 1) {
      const entry = list + 2 + 12 * index;
      if (view.getUint16(entry, isLittle) === ORIENTATION_TAG) return view.getUint16(entry + 8, isLittle);
    }
  } catch {
    // Cut short: nothing that anyone turns by.
  }
  return null;
}
