// The photos of a tab, kept in the browser (IndexedDB) so that a reload loses nothing; forgotten with the tab.

const DATABASE = "vrn-cropper";
const TAB_KEY = "vrn-tab";
const LOCK = "vrn-tab-";
const OLD_MS = 12 * 3600 * 1000;
const STORES = ["tabs", "files", "photos"]; // keys: tab; [tab, photo]; [tab, photo]

export class Session {
  #database = null;
  #pending = 0;
  #tab = null;
  #opening = null;
  isSafe = false; // everything is stored: a reload brings it back

  /** Open the store, drop what closed tabs left, and return what this tab had: records, oldest first, and its view. */
  open() {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  async #open() {
    try {
      this.#tab = sessionStorage.getItem(TAB_KEY) ?? crypto.getRandomValues(new Uint32Array(2)).join("-");
      sessionStorage.setItem(TAB_KEY, this.#tab);
      this.#database = await openDatabase();
      this.isSafe = true;
      await this.#dropClosedTabs();
      // Held as long as the tab lives, so that other tabs know; there are no locks without HTTPS or localhost.
      navigator.locks?.request(LOCK + this.#tab, () => new Promise(() => {}));
      return await this.#read();
    } catch {
      this.isSafe = false; // storage may be forbidden or full: the page warns before it is left
      return { records: [], view: null };
    }
  }

  /** Whether leaving now would lose something. */
  get isAtRisk() {
    return !this.isSafe || this.#pending > 0;
  }

  /** Keep a photo's file, once. */
  addFile(photo) {
    return this.#write("files", [this.#tab, photo.id], { file: photo.file, order: photo.order });
  }

  /** Keep what is known of a photo. */
  save(photo) {
    return this.#write("photos", [this.#tab, photo.id], { data: photo.toRecord(), shown: photo.shown });
  }

  saveView(view) {
    return this.#write("tabs", this.#tab, { view, usedAt: Date.now() });
  }

  remove(photo) {
    return this.#change(["files", "photos"], (store) => store.delete([this.#tab, photo.id]));
  }

  #write(name, key, value) {
    return this.#change([name], (store) => store.put(value, key));
  }

  async #change(names, work) {
    this.#pending += 1;
    try {
      await this.#opening; // a photo that comes before the store is read must not be read back from it
      if (!this.isSafe) return;
      const transaction = this.#database.transaction(names, "readwrite");
      for (const name of names) work(transaction.objectStore(name));
      await done(transaction);
    } catch {
      this.isSafe = false;
    } finally {
      this.#pending -= 1;
    }
  }

  async #read() {
    const range = IDBKeyRange.bound([this.#tab], [this.#tab, []]);
    const transaction = this.#database.transaction(STORES);
    const files = transaction.objectStore("files");
    const photos = transaction.objectStore("photos");
    const [keys, values, photoKeys, photoValues, tab] = await Promise.all(
      [files.getAllKeys(range), files.getAll(range), photos.getAllKeys(range), photos.getAll(range), transaction.objectStore("tabs").get(this.#tab)].map(result),
    );
    const known = new Map(photoKeys.map(([, id], index) => [id, photoValues[index]]));
    const records = keys.map(([, id], index) => ({ id, ...values[index], ...known.get(id) }));
    records.sort((one, other) => one.order - other.order);
    return { records, view: tab?.view ?? null };
  }

  async #dropClosedTabs() {
    const held = (await navigator.locks?.query())?.held.map((lock) => lock.name);
    const transaction = this.#database.transaction(STORES, "readwrite");
    const tabs = transaction.objectStore("tabs");
    const [keys, values] = await Promise.all([tabs.getAllKeys(), tabs.getAll()].map(result));
    for (const [index, tab] of keys.entries()) {
      const isOpen = held ? held.includes(LOCK + tab) : Date.now() - values[index].usedAt < OLD_MS;
      if (tab === this.#tab || isOpen) continue;
      tabs.delete(tab);
      for (const name of ["files", "photos"]) transaction.objectStore(name).delete(IDBKeyRange.bound([tab], [tab, []]));
    }
    await done(transaction);
  }
}

function openDatabase() {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => {
    for (const name of STORES) request.result.createObjectStore(name);
  };
  return result(request);
}

function result(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function done(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}
