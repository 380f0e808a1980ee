// The page of a link: read the fragment, take it out of the address, open the link, show what it names.

import { make, nameText } from "./dom.js";
import { fileView } from "./file.js";
import { folderView } from "./folder.js";
import { Refusal } from "./refusal.js";
import { Backend, Streams } from "./streams.js";

const main = document.getElementById("main");
const idText = location.pathname.split("/")[2] ?? "";
const fragment = location.hash.slice(1);
// The key leaves the address bar, the history and whatever reads them. A reload has to bring the link again.
history.replaceState(null, "", location.pathname);

/** Show something in place of everything else. */
function show(...elements) {
  main.replaceChildren(...elements);
  main.setAttribute("aria-busy", "false");
}

function showRefusal(error) {
  const refused = error instanceof Refusal ? error : new Refusal("unreachable");
  document.title = "Link – mega";
  show(make("div", { className: "card" }, make("p", { className: "refused", role: "alert" }, refused.message)));
}

/** Ask for the password until it opens the link. */
function askPassword(backend) {
  const input = make("input", { type: "password", id: "password", required: true, autocomplete: "off" });
  const note = make("p", { className: "note", role: "status" });
  const button = make("button", { type: "submit" }, "Open");
  const label = make("label", { htmlFor: "password" }, "This link needs a password");
  const form = make("form", {}, input, button);
  show(make("div", { className: "card" }, make("h1", {}, label), form, note));
  input.focus();
  return new Promise((resolve, reject) => {
    form.onsubmit = async (event) => {
      event.preventDefault();
      button.disabled = true;
      note.textContent = "Checking…";
      try {
        resolve(await backend.call("open", { base: location.origin, idText, fragment, password: input.value }));
      } catch (error) {
        if (!["password", "busy", "unreachable"].includes(error.kind)) reject(error);
        note.textContent = error.message;
        note.className = "refused";
        button.disabled = false;
        input.select();
      }
    };
  });
}

async function start() {
  const backend = new Backend();
  let shared = await backend.call("open", { base: location.origin, idText, fragment, password: null });
  if (shared.needsPassword) shared = await askPassword(backend);
  const streams = new Streams(backend);
  streams.isAble = await streams.start();
  document.title = `${nameText(shared.name)} – mega`;
  const view = shared.kind === "d" ? folderView : fileView;
  show(await view({ backend, streams, shared, showRefusal }));
}

start().catch(showRefusal);
