// How photos come in: chosen, dropped anywhere on the page, or pasted.

/** Calls `onFiles(files)` for each lot of photos and `onRefusal(text)` where there is nothing to take. */
export function listenForPhotos({ chooser, buttons, veil, onFiles, onRefusal }) {
  for (const button of buttons) button.addEventListener("click", () => chooser.click());
  chooser.addEventListener("change", () => {
    const files = [...chooser.files];
    chooser.value = ""; // so that choosing the same photo again counts as a change
    if (files.length) onFiles(files);
  });

  document.addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files];
    if (!files.length) return; // text, perhaps into a field
    event.preventDefault();
    onFiles(files);
  });

  let depth = 0; // enter and leave are told for each element on the way
  const show = (isOver) => {
    depth = isOver ? depth : 0;
    veil.hidden = !isOver;
  };
  document.addEventListener("dragenter", (event) => {
    event.preventDefault();
    depth += 1;
    show(true);
  });
  document.addEventListener("dragleave", () => {
    depth -= 1;
    if (depth <= 0) show(false);
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    show(false);
    const files = droppedFiles(event.dataTransfer);
    if (files.length) onFiles(files);
    else onRefusal("That was no file. Save the picture first, or drop the photos instead of their folder.");
  });
}

function droppedFiles(transfer) {
  const files = [];
  for (const item of transfer.items) {
    if (item.kind === "file" && !item.webkitGetAsEntry?.()?.isDirectory) files.push(item.getAsFile());
  }
  return files.filter(Boolean);
}
