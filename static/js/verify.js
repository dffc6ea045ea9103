// Verifying a statement: hashes the file in the browser, so that it is not uploaded. If that fails, it is uploaded.
"use strict";

{
  // The browser must hold the whole file in memory, so larger files are not hashed here.
  const MOST_BYTES = 1024 * 1024 * 1024;

  const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  const form = document.querySelector("form[data-verify]");
  const box = form.querySelector("[data-drop]");
  const says = box.querySelector("[role=status]");
  const { file: input, sha256 } = form.elements;
  const button = form.querySelector("button[type=submit]");
  const works = Boolean(globalThis.crypto?.subtle);
  // A file can only be dragged with a pointer such as a mouse's.
  const canDrag = matchMedia("(any-pointer: fine)").matches;
  const invitation = canDrag ? "Stays on your device. Choose the file, or drop it here." : "Stays on your device.";
  let latest = 0;

  const hash = async (file) => {
    if (file.size > MOST_BYTES) throw new Error("too large");
    return hex(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  };

  const take = async () => {
    const mine = ++latest;
    const [file] = input.files;
    sha256.value = "";
    input.name = "file";
    if (!works) return;
    if (!file) {
      says.textContent = invitation;
      return;
    }
    button.disabled = true;
    says.textContent = `Reading ${file.name} …`;
    try {
      const found = await hash(file);
      if (mine !== latest) return;
      sha256.value = found;
      // A field without a name is not sent.
      input.removeAttribute("name");
      says.textContent = `${file.name} was read here, and is not sent. Its SHA-256 begins with ${found.slice(0, 8)}.`;
    } catch {
      if (mine === latest) says.textContent = `${file.name} cannot be read here. It will be sent, read once and not kept.`;
    } finally {
      if (mine === latest) button.disabled = false;
    }
  };

  // Without this script the file is sent.
  if (works && !sha256.value) says.textContent = invitation;
  // The line below names the file, so the field need not.
  box.toggleAttribute("data-names", works);

  input.addEventListener("change", take);

  for (const name of ["dragenter", "dragover"]) {
    box.addEventListener(name, (event) => {
      event.preventDefault();
      box.toggleAttribute("data-over", true);
    });
  }
  for (const name of ["dragleave", "drop"]) {
    box.addEventListener(name, () => box.removeAttribute("data-over"));
  }
  box.addEventListener("drop", (event) => {
    event.preventDefault();
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    take();
  });

  // After a reload or Back, the browser may have restored the chosen file; hash it again.
  addEventListener("pageshow", () => {
    if (input.files.length) take();
  });
}
