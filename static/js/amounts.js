// Amounts: thousands separators while typing, suggestions that fill the field, and what follows from the amount.
// The server parses what is typed and calculates again; without this script the suggestions are links.
"use strict";

{
  const isMoney = (field) => field.matches?.("input[inputmode=decimal]");
  // A comma is a decimal point on the keyboards of some languages.
  const hasDecimalComma = new Intl.NumberFormat().format(1.5).includes(",");
  const group = (digits) => digits.replace(/\B(?=(\d{3})+$)/g, ",");

  // In the digits of our pages, without spaces and the currency.
  const plain = (text) =>
    text
      .replace(/[٠-٩۰-۹０-９]/g, (digit) => digit.charCodeAt(0) & 15)
      .replace(/\s|^\s*(₦|ngn|n)|ngn\s*$/gi, "");

  // The text with its separators in the right places. Null for text that does not begin an amount: it stays as it is, and
  // the server says what is wrong with it.
  const tidy = (text) => {
    const parts = /^([\d,]*)(\.\d{0,2})?$/.exec(text);
    return parts && group(parts[1].replaceAll(",", "")) + (parts[2] ?? "");
  };

  // Fields with a comma that a person has put there. It is not moved: "25000,50" must not become 2,500,050.
  const hasOwnComma = new WeakSet();
  const isWellGrouped = (text) => /^(\d{1,3}(,\d{3})+|\d*)(\.\d{0,2})?$/.test(text);
  const before = new WeakMap();

  const digitsOf = (text) => plain(text).replace(/[^\d.]/g, "");

  const write = (field, text, caret) => {
    const kept = digitsOf(text.slice(0, caret)).length;
    const tidied = tidy(plain(text));
    if (tidied === null || tidied === field.value) return;
    field.value = tidied;
    let at = 0;
    for (let seen = 0; seen < kept; at++) if (tidied[at] !== ",") seen++;
    field.setSelectionRange(at, at);
  };

  const typed = (field, { inputType, data }) => {
    let text = field.value;
    let caret = field.selectionStart;
    if (data === "," && hasDecimalComma) text = `${text.slice(0, caret - 1)}.${text.slice(caret)}`;
    else if (data?.includes(",")) hasOwnComma.add(field);
    if (hasOwnComma.has(field)) {
      if (!isWellGrouped(plain(text))) return;
      hasOwnComma.delete(field);
    } else if (/^deleteContent(Back|For)ward$/.test(inputType) && digitsOf(text) === digitsOf(before.get(field) ?? "")) {
      // Only a separator was deleted: the digit beside it is meant.
      if (text !== before.get(field)) {
        if (inputType === "deleteContentBackward") caret--;
        text = text.slice(0, caret) + text.slice(caret + 1);
      }
    }
    write(field, text, caret);
  };

  // What follows from the amount ------------------------------------------------------------------

  const KOBO = 100;
  const MOST_KOBO = 1e15;

  const koboOf = (text) => {
    const cleaned = plain(text);
    if (!/^\d/.test(cleaned) || !isWellGrouped(cleaned)) return null;
    const [naira, kobo = ""] = cleaned.replaceAll(",", "").split(".");
    const sum = Number(naira) * KOBO + Number(kobo.padEnd(2, "0"));
    return sum > 0 && sum <= MOST_KOBO ? sum : null;
  };

  const fieldOf = (chip) => chip.closest("form").querySelector("input[inputmode=decimal]");

  const show = (field) => {
    const sign = field.parentElement.firstElementChild.textContent;
    const written = (kobo) => {
      const rest = kobo % KOBO;
      return sign + group(String((kobo - rest) / KOBO)) + (rest ? `.${String(rest).padStart(2, "0")}` : "");
    };
    // A browser that hides balances gets dots from the server.
    const writeSum = (element, kobo) => {
      if (!element.textContent.includes("•")) element.textContent = written(kobo);
    };
    const amount = koboOf(field.value);
    for (const chip of field.form.querySelectorAll("[data-fill]")) {
      if (field !== fieldOf(chip)) continue;
      if (koboOf(chip.dataset.fill) === amount) chip.setAttribute("aria-current", "true");
      else chip.removeAttribute("aria-current");
    }
    const says = field.form.querySelector("[data-says]");
    if (says) says.textContent = amount ? ` ${written(amount)}` : "";
    const after = field.form.querySelector("[data-after]");
    if (!after) return;
    const now = Number(after.dataset.now);
    const then = now + Number(after.dataset.sign) * amount;
    const goal = Number(after.dataset.goal);
    const line = after.querySelector("p");
    line.hidden = !amount || then < 0;
    // Without a goal there is no bar above the line, and an empty element would leave a gap.
    after.hidden = !goal && line.hidden;
    writeSum(after.querySelector("[data-then]"), Math.max(then, 0));
    if (!goal) return;
    // The line about now would contradict the bar, which is that of then.
    after.querySelector("[data-before]").hidden = !line.hidden;
    after.querySelector("[data-below]").hidden = then >= goal;
    after.querySelector("[data-reached]").hidden = then < goal;
    for (const beyond of after.querySelectorAll("[data-beyond]")) beyond.hidden = then <= goal;
    writeSum(after.querySelector("[data-over]"), Math.max(then - goal, 0));
    const percent = Math.min(100, Math.floor((Math.max(then, 0) * 100) / goal));
    after.querySelector("progress").value = percent;
    after.querySelector("[data-percent]").textContent = percent;
  };

  const take = (event) => {
    if (!isMoney(event.target) || event.inputType === "insertCompositionText") return;
    typed(event.target, event);
    show(event.target);
  };

  document.addEventListener("beforeinput", ({ target }) => {
    if (isMoney(target)) before.set(target, target.value);
  });
  document.addEventListener("input", take);
  document.addEventListener("compositionend", take);
  document.addEventListener("paste", ({ target, clipboardData }) => {
    if (isMoney(target) && clipboardData.getData("text").includes(",")) hasOwnComma.add(target);
  });

  document.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-fill]");
    if (!chip) return;
    event.preventDefault();
    const field = fieldOf(chip);
    hasOwnComma.delete(field);
    field.value = chip.dataset.fill;
    // Also for the previews that follow what is typed.
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });

  // The browser keeps what was typed when it goes back or loads the page again.
  addEventListener("pageshow", () => {
    for (const field of document.querySelectorAll("input[inputmode=decimal]")) show(field);
  });
}
