// Feedback: every press shows at once that it was heard, a form is sent once, and notices come and go.
"use strict";

{
  const root = document.documentElement;
  const toasts = () => document.getElementById("toasts");

  // The line at the top of the page, until the answer is there -----------------------------------

  // Requests of htmx, and the link or form that leaves the page.
  const waitingFor = new Set();

  const begin = (what) => {
    waitingFor.add(what);
    root.toggleAttribute("data-busy", true);
  };

  const end = (what) => {
    waitingFor.delete(what);
    root.toggleAttribute("data-busy", waitingFor.size > 0);
  };

  // A pressed tab is selected at once -------------------------------------------------------------

  // Each group of tabs with its link that was current before the press.
  const chosenBefore = new Map();

  const select = (group, link) => {
    const value = group.querySelector("[aria-current]").getAttribute("aria-current");
    for (const tab of group.querySelectorAll("[aria-current]")) tab.removeAttribute("aria-current");
    link.setAttribute("aria-current", value);
  };

  const choose = (link) => {
    const group = link.closest(".seg, .nav");
    const current = group?.querySelector("[aria-current]");
    if (!current) return;
    if (!chosenBefore.has(group)) chosenBefore.set(group, current);
    select(group, link);
  };

  const chooseAsBefore = () => {
    for (const [group, link] of chosenBefore) if (group.isConnected) select(group, link);
    chosenBefore.clear();
  };

  // A pressed button says what it does, and its form is sent once ---------------------------------

  // Each pressed button with its own words.
  const wordsOf = new Map();

  const say = (button) => {
    wordsOf.set(button, [...button.childNodes]);
    const { width } = button.getBoundingClientRect();
    Object.assign(button.style, { minWidth: `${width}px`, maxWidth: `${width}px` });
    const [spinner, words] = [document.createElement("i"), document.createElement("span")];
    spinner.className = "spin";
    words.textContent = button.dataset.doing || toasts().dataset.doing;
    button.replaceChildren(spinner, words);
    if (button.scrollWidth > button.clientWidth) words.className = "sr";
  };

  const wait = (form, pressed) => {
    form.toggleAttribute("data-waiting", true);
    if (pressed?.form === form) say(pressed);
    for (const button of form.elements) {
      if (button.type !== "submit" || button.disabled) continue;
      button.disabled = true;
      button.toggleAttribute("data-waiting", true);
    }
  };

  const goOn = (form) => {
    form.removeAttribute("data-waiting");
    for (const button of form.querySelectorAll("button[data-waiting]")) {
      button.disabled = false;
      button.removeAttribute("data-waiting");
      if (!wordsOf.has(button)) continue;
      button.replaceChildren(...wordsOf.get(button));
      Object.assign(button.style, { minWidth: "", maxWidth: "" });
      wordsOf.delete(button);
    }
  };

  // On the window, so that htmx and other scripts handle the events first.
  addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented) return;
    if (form.hasAttribute("data-waiting")) {
      event.preventDefault();
      return;
    }
    begin(form);
    // In a timeout, because a button that is disabled immediately does not send its value.
    if (form.method === "post") setTimeout(() => wait(form, event.submitter));
  });

  const release = (link) => {
    end(link);
    link.removeAttribute("data-pressed");
  };

  // A link that the browser follows. One that starts a download is marked: nothing says when that has begun.
  addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link || event.defaultPrevented || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const isHere = link.hash && link.href.split("#")[0] === location.href.split("#")[0];
    if (isHere || link.target || link.hasAttribute("data-download") || !link.protocol.startsWith("http")) return;
    choose(link);
    begin(link);
    link.toggleAttribute("data-pressed", true);
    // Nothing says either that a person has stopped the navigation.
    setTimeout(() => release(link), 10_000);
  });

  // A request without an event is a poll, which nobody has pressed.
  document.addEventListener("htmx:beforeRequest", ({ detail }) => {
    const { triggeringEvent, verb } = detail.requestConfig;
    if (!triggeringEvent) return;
    begin(detail.xhr);
    detail.target.setAttribute("aria-busy", "true");
    if (detail.elt.matches("a")) choose(detail.elt);
    if (detail.elt.matches("form") && verb === "post") wait(detail.elt, triggeringEvent.submitter);
  });

  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    // The answer leads to another page: the press is not over.
    if (detail.xhr.getResponseHeader("HX-Redirect")) return;
    end(detail.xhr);
    detail.target.removeAttribute("aria-busy");
    if (detail.elt.matches("form")) goOn(detail.elt);
    if (detail.successful) chosenBefore.clear();
    else chooseAsBefore();
  });

  // A page restored from the back/forward cache still looks as it did when it was left.
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const link of document.querySelectorAll("[data-pressed]")) release(link);
    waitingFor.clear();
    root.removeAttribute("data-busy");
    for (const form of document.querySelectorAll("form[data-waiting]")) goOn(form);
    for (const target of document.querySelectorAll("[aria-busy]")) target.removeAttribute("aria-busy");
    chooseAsBefore();
  });

  // Notices ---------------------------------------------------------------------------------------

  const STAYS_MS = 6_000;

  // The page keeps its place, as far as it can be scrolled.
  const remove = (toast) => {
    const main = document.getElementById("main");
    const { top } = main.getBoundingClientRect();
    toast.remove();
    scrollBy({ top: main.getBoundingClientRect().top - top, behavior: "instant" });
  };

  const leaveLater = (toast, milliseconds) =>
    setTimeout(() => {
      if (!toast.isConnected) return;
      if (document.hidden || toast.matches(":hover, :focus-within")) leaveLater(toast, 1_000);
      else remove(toast);
    }, milliseconds);

  // A newer notice about the same matter replaces the older one. An error stays until it is dismissed.
  const take = (toast) => {
    const { about } = toast.dataset;
    for (const other of toasts().children) {
      const isSame = about ? other.dataset.about === about : other.textContent === toast.textContent;
      if (other !== toast && isSame) other.remove();
    }
    if (!toast.matches(".bad")) leaveLater(toast, STAYS_MS);
  };

  document.addEventListener("DOMContentLoaded", () => {
    for (const toast of [...toasts().children]) take(toast);
    new MutationObserver((changes) => {
      for (const { addedNodes } of changes) {
        for (const added of addedNodes) if (added.isConnected && added.matches?.(".toast")) take(added);
      }
    }).observe(toasts(), { childList: true });
  });

  // The template speaks of no answer, and its data of an answer that is an error.
  const showTrouble = (event) => {
    const template = document.getElementById("trouble");
    const [toast] = template.content.cloneNode(true).children;
    if (event.type === "htmx:responseError") {
      toast.querySelector("strong").textContent = template.dataset.text;
      toast.querySelector(".sub").textContent = template.dataset.note;
    }
    toasts().append(toast);
  };
  for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, showTrouble);
  }

  document.addEventListener("click", (event) => {
    const dismiss = event.target.closest("[data-dismiss]");
    if (!dismiss) return;
    remove(dismiss.closest(".toast"));
    (toasts().querySelector("[data-dismiss]") ?? document.getElementById("main")).focus({ preventScroll: true });
  });
}
