// The photos of this visit, which of them is looked at, and how they come back: after a removal, after a reload.

import { Photo } from "./photo.js";

const MOST_PHOTOS = 500; // more belong to the command line
const SAVE_DELAY_MS = 400; // a frame being drawn changes many times a second

export class Album {
  #removed = []; // { photos, index }, the latest last
  #session;
  #queue;
  #onChange;
  #timers = new Map();
  #nextOrder = Date.now(); // after those of the visit before the reload

  constructor(queue, session, onChange) {
    this.#queue = queue;
    this.#session = session;
    this.#onChange = onChange;
    this.photos = [];
    this.current = null;
    addEventListener("beforeunload", (event) => {
      if (this.photos.length && (session.isAtRisk || this.#timers.size)) event.preventDefault();
    });
  }

  /** What this tab held before it was reloaded; its view (what `saveView` was given), or null. */
  async open() {
    const { records, view } = await this.#session.open();
    if (!records.length) return null;
    const photos = records.map((record) => Photo.fromRecord(record));
    for (const [index, photo] of photos.entries()) photo.order = records[index].order;
    this.photos = [...photos, ...this.photos];
    this.current = photos.find((photo) => photo.id === view?.current) ?? this.photos[0];
    this.#onChange();
    for (const photo of photos) this.#queue.add(photo);
    return view;
  }

  /** Take new files; returns how many found no room. */
  add(files) {
    const room = Math.max(0, MOST_PHOTOS - this.photos.length);
    const added = files.slice(0, room).map((file) => new Photo(file));
    this.photos = [...this.photos, ...added];
    this.current = added[0] ?? this.current;
    this.#onChange();
    for (const photo of added) {
      photo.order = this.#nextOrder++;
      this.#queue.add(photo);
      this.#session.addFile(photo);
    }
    return files.length - added.length;
  }

  choose(photo) {
    this.current = photo;
    this.#onChange();
  }

  /** The next photo, or the one before: `by` is 1 or -1. */
  step(by) {
    const next = this.photos[this.photos.indexOf(this.current) + by];
    if (next) this.choose(next);
  }

  remove(photos) {
    const index = this.photos.indexOf(photos[0]);
    this.#removed.push({ photos, index });
    const left = this.photos.filter((photo) => !photos.includes(photo));
    if (photos.includes(this.current)) this.current = left[Math.min(index, left.length - 1)] ?? null;
    this.photos = left;
    for (const photo of photos) {
      this.#queue.remove(photo);
      this.#forgetTimer(photo);
      this.#session.remove(photo);
    }
    this.#onChange();
  }

  /** Bring back what was removed last; false where there is nothing. */
  undoRemove() {
    const last = this.#removed.pop();
    if (!last) return false;
    this.photos = this.photos.toSpliced(last.index, 0, ...last.photos);
    this.current = last.photos[0];
    this.#onChange();
    for (const photo of last.photos) {
      this.#queue.restore(photo);
      this.#session.addFile(photo);
      this.save(photo);
    }
    return true;
  }

  /** Keep what is known of a photo, a moment later. */
  save(photo) {
    if (!this.photos.includes(photo)) return;
    this.#forgetTimer(photo);
    const timer = setTimeout(() => {
      this.#timers.delete(photo);
      this.#session.save(photo);
    }, SAVE_DELAY_MS);
    this.#timers.set(photo, timer);
  }

  saveView(view) {
    if (this.photos.length) this.#session.saveView({ ...view, current: this.current?.id });
  }

  count(state) {
    return this.photos.filter((photo) => photo.state === state).length;
  }

  #forgetTimer(photo) {
    clearTimeout(this.#timers.get(photo));
    this.#timers.delete(photo);
  }
}
