// The page of a link: read the fragment, take it out of the address, open the link, show what it names.

import { button, icon, make } from "./dom.js";
import { fileView } from "./file.js";
import { folderView } from "./folder.js";
import { nameText } from "./names.js";
import { Refusal } from "./refusal.js";
import { Backend, Streams } from "./streams.js";

const main = document.getElementById("main");
const idText = location.pathname.split("/")[2] ?? "";
const fragment = location.hash.slice(1);
// The key leaves the address bar, the history and whatever reads them. A reload has to bring the link again.
history.replaceState(null, "", location.pathname);

const backend = new Backend();
const streams = new Streams(backend);

/** Show something in place of everything else. */
function show(...elements) {
  main.replaceChildren(...elements);
  main.setAttribute("aria-busy", "false");
}

function card(shape, title, ...rest) {
  const head = make("div", { className: "head" }, icon(shape), make("h1", {}, title));
  return make("section", { className: "card" }, head, ...rest);
}

function showRefusal(error) {
  const refused = error instanceof Refusal ? error : new Refusal("unreachable");
  document.title = "Link - mega";
  const again = button("Try again", start);
  again.hidden = !refused.mayPass;
  show(card("stop", "This link does not open", make("p", { className: "refused", role: "alert" }, refused.message), again));
}

function open(password) {
  return backend.call("open", { base: location.origin, idText, fragment, password });
}

/** Ask for the password until it opens the link. */
function askPassword() {
  const input = make("input", { type: "password", id: "password", required: true, autocomplete: "off", "aria-describedby": "said" });
  const note = make("p", { id: "said", className: "quiet", role: "alert" }, "Whoever sent you the link knows it. It is checked on your device.");
  const submit = make("button", { type: "submit" }, "Open");
  const label = make("label", { htmlFor: "password" }, "Password");
  const form = make("form", {}, label, make("div", { className: "bar" }, input, submit), note);
  show(card("key", "This link needs a password", form));
  document.title = "Password - mega";
  input.focus();
  return new Promise((resolve, reject) => {
    form.onsubmit = async (event) => {
      event.preventDefault();
      submit.disabled = true;
      note.textContent = "Checking…";
      note.className = "quiet";
      try {
        resolve(await open(input.value));
      } catch (error) {
        if (error.kind !== "password" && !error.mayPass) reject(error);
        note.textContent = error.message;
        note.className = "refused";
        submit.disabled = false;
        input.select();
      }
    };
  });
}

async function start() {
  try {
    let shared = await open(null);
    if (shared.needsPassword) shared = await askPassword();
    await streams.start();
    document.title = `${nameText(shared.name)} - mega`;
    const view = shared.kind === "d" ? folderView : fileView;
    show(...(await view({ backend, streams, shared })));
  } catch (error) {
    showRefusal(error);
  }
}

/** Say in the footer where to report abuse, if the server's administrator has said it. */
async function showContact() {
  const answer = await fetch("/v1/server", { credentials: "omit" });
  const { contact } = await answer.json();
  if (!contact) return;
  const place = document.getElementById("contact");
  place.textContent = `To report abuse: ${contact}, naming the link ${idText}`;
  place.hidden = false;
}

start();
showContact().catch(() => {}); // the footer says nothing then
