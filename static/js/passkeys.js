// Passkeys: a form marked `data-passkey` puts the signed credential into its `credential` field and is submitted.
// allauth's webauthn-json.js, loaded first, converts between the server's JSON and the browser's objects.
"use strict";

{
  const words = {
    NotAllowedError: "Nothing was changed. Try again when you like.",
    InvalidStateError: "This device already holds a passkey of yours.",
    SecurityError: "Passkeys need a secure address.",
  };

  // Why passkeys cannot work here; empty if they can. Browsers require a host name and a secure connection.
  const obstacle = () => {
    const { hostname, port } = location;
    if (/^127\.|^\[::1\]$/.test(hostname))
      return `Browsers allow passkeys only at a name. Open http://localhost${port && `:${port}`} instead.`;
    if (/^[\d.]+$|^\[/.test(hostname)) return "Browsers allow passkeys only at a name. Open this site by its name, not by its IP address.";
    if (!window.isSecureContext) return "Browsers allow passkeys only over a secure connection. Open this site with https.";
    if (!window.PublicKeyCredential) return "This browser does not support passkeys. Update it, or use another one.";
    return "";
  };
  const reason = obstacle();
  const works = !reason;

  const given = () => JSON.parse(document.getElementById("passkey-options").textContent);

  const asked = async (form) => {
    const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`The server said ${answer.status}.`);
    return answer.json();
  };

  // A discoverable credential with user verification, so that it works without an email address and password.
  const passwordless = (options) => {
    Object.assign(options.publicKey.authenticatorSelection, {
      residentKey: "required",
      requireResidentKey: true,
      userVerification: "required",
    });
    return options;
  };

  const ceremonies = {
    create: async () => webauthnJSON.create(passwordless(given().creation_options)),
    get: async () => webauthnJSON.get(given().request_options),
    "sign-in": async (form) => webauthnJSON.get((await asked(form)).request_options),
  };

  for (const notice of document.querySelectorAll("[data-no-passkey]")) {
    notice.hidden = works;
    notice.textContent = reason;
  }

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = !works;
    const button = form.querySelector("button[type=button]");
    const run = async () => {
      button.disabled = true;
      try {
        const credential = await ceremonies[form.dataset.passkey](form);
        form.elements.credential.value = JSON.stringify(credential);
        form.submit();
      } catch (error) {
        form.querySelector("[role=status]").textContent = words[error.name] ?? `It did not work: ${error.message}`;
        button.disabled = false;
      }
    };
    button.addEventListener("click", run);
    // Enter in the form's text field presses its button.
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      run();
    });
  }

  addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("form[data-passkey] button")) button.disabled = false;
  });
}
