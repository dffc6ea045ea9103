// Progressive enhancement. Every page works without this script. feedback.js shows what a press has started.
"use strict";

{
  const root = document.documentElement;

  const cookie = (name) => {
    const found = document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`));
    return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
  };

  // Enable colour transitions only after the first paint, or buttons would flash.
  requestAnimationFrame(() => requestAnimationFrame(() => root.toggleAttribute("data-ready", true)));

  // Send the CSRF cookie's token with each htmx request: cached pages contain none.
  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-CSRFToken"] = cookie("__Host-csrftoken") || cookie("csrftoken");
  });

  // Theme: applied at once, and saved in the profile --------------------------------------------

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-themes]") || !event.submitter) return;
    event.preventDefault();
    const chosen = event.submitter;
    if (chosen.value) root.dataset.theme = chosen.value;
    else delete root.dataset.theme;
    for (const button of form.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button === chosen));
    }
    // Chrome 109 ignores FormData's second argument, the submitter.
    const body = new FormData(form);
    body.set(chosen.name, chosen.value);
    // Following the redirect would only load this page again.
    fetch(form.action, { method: "POST", body, redirect: "manual" });
  });

  // The choice in the profile is that of the menu.
  document.addEventListener("change", ({ target }) => {
    if (target.name !== "theme") return;
    document.querySelector(`[data-themes] button[value="${target.value}"]`)?.click();
  });

  // Menus in browsers without popovers: Chrome before 114, Firefox before 125, Safari before 17 ----

  if (!("popover" in HTMLElement.prototype)) {
    const menuOf = (button) => document.getElementById(button.getAttribute("popovertarget"));
    const openOnly = (chosen) => {
      for (const button of document.querySelectorAll("[popovertarget]")) {
        menuOf(button).classList.toggle("open", menuOf(button) === chosen);
      }
    };
    document.addEventListener("click", (event) => {
      if (event.target.closest(".menu")) return;
      const button = event.target.closest("[popovertarget]");
      openOnly(button && !menuOf(button).classList.contains("open") ? menuOf(button) : null);
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") openOnly(null);
    });
  }

  // Show or hide a password ---------------------------------------------------------------------

  const showReveals = () => {
    for (const button of document.querySelectorAll("[data-reveal]")) button.hidden = false;
  };
  showReveals();
  document.addEventListener("htmx:afterSettle", showReveals);

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-reveal]");
    if (!button) return;
    const field = document.getElementById(button.dataset.reveal);
    const shows = field.type === "password";
    field.type = shows ? "text" : "password";
    button.setAttribute("aria-pressed", String(shows));
  });

  // Reload a page that the browser restores from its back/forward cache: its figures may be stale, and its user signed
  // out. The page is hidden on leaving. A page with a form is not reloaded, so that typed text is not lost.
  const isTypedIn = () =>
    document.querySelector("main form[method=post] :is(input:not([type=hidden]), select, textarea)");

  addEventListener("pagehide", () => root.toggleAttribute("data-away", !isTypedIn()));
  addEventListener("pageshow", (event) => {
    if (event.persisted && root.hasAttribute("data-away")) location.reload();
    else root.removeAttribute("data-away");
  });

  // Keep the focus on the same control after a swap ---------------------------------------------

  let lost = null;

  document.addEventListener("htmx:beforeSwap", (event) => {
    const focused = document.activeElement;
    lost = null;
    // htmx restores the focus of elements with an id itself.
    if (!event.detail.target.contains(focused) || focused.id) return;
    for (const name of ["href", "name"]) {
      const value = focused.getAttribute(name);
      if (value) lost = `${focused.localName}[${name}="${CSS.escape(value)}"]`;
    }
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    if (lost && document.activeElement === document.body) {
      const scope = event.target.isConnected ? event.target : document;
      scope.querySelector(lost)?.focus({ preventScroll: true });
    }
    lost = null;
  });

  // Animate the rows of a leaderboard from their old positions ---------------------------------------

  const tops = new Map();
  let wasOpen = false;

  const placesOf = (board) => board.querySelectorAll("tr[id], li[id]");

  document.addEventListener("htmx:beforeSwap", (event) => {
    tops.clear();
    wasOpen = false;
    if (!event.detail.target.matches("[data-board]")) return;
    wasOpen = Boolean(event.detail.target.querySelector("details[open]"));
    for (const row of placesOf(event.detail.target)) tops.set(row.id, row.getBoundingClientRect().top);
  });

  document.addEventListener("htmx:afterSettle", () => {
    const board = document.querySelector("[data-board]");
    if (board && wasOpen) board.querySelector("details")?.toggleAttribute("open", true);
    wasOpen = false;
    if (!board || !tops.size || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    for (const row of placesOf(board)) {
      const moved = tops.has(row.id) ? tops.get(row.id) - row.getBoundingClientRect().top : 0;
      const from = tops.has(row.id) ? { transform: `translateY(${moved}px)` } : { opacity: 0 };
      if (moved || !tops.has(row.id)) row.animate([from, {}], { duration: 400, easing: "ease-out" });
    }
    tops.clear();
  });

  // Show a chart's value under the pointer --------------------------------------------------------

  const nearestRow = (figure, x) => {
    let nearest = null;
    for (const row of figure.querySelectorAll("tr[data-x]")) {
      if (!nearest || Math.abs(row.dataset.x - x) < Math.abs(nearest.dataset.x - x)) nearest = row;
    }
    return nearest;
  };

  document.addEventListener("pointermove", (event) => {
    const drawing = event.target.closest?.("[data-chart] .chart svg");
    if (!drawing) return;
    const figure = drawing.closest("[data-chart]");
    const box = drawing.getBoundingClientRect();
    const row = nearestRow(figure, ((event.clientX - box.left) / box.width) * drawing.viewBox.baseVal.width);
    const { x, y } = row.dataset;
    drawing.querySelector(".cursor").setAttribute("d", `M${x} 0V240`);
    for (const mark of drawing.querySelectorAll(".halo, .dot")) mark.setAttribute("d", `M${x} ${y}h0`);
    figure.querySelector(".readout").textContent = [...row.cells].map((cell) => cell.textContent).join(" · ");
  });

  document.addEventListener("pointerout", (event) => {
    const drawing = event.target.closest?.("[data-chart] .chart svg");
    if (!drawing || drawing.contains(event.relatedTarget)) return;
    const figure = drawing.closest("[data-chart]");
    const last = [...figure.querySelectorAll("tr[data-x]")].at(-1).dataset;
    drawing.querySelector(".cursor").setAttribute("d", "");
    for (const mark of drawing.querySelectorAll(".halo, .dot")) mark.setAttribute("d", `M${last.x} ${last.y}h0`);
    figure.querySelector(".readout").textContent = "";
  });
}
