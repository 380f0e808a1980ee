// A download: through the service worker where there is one, whole in memory where there is not; progress either way.

import { durationText, make, sizeText } from "./dom.js";
import { Refusal } from "./refusal.js";

/** Make a button that saves a file, or a folder as a zip, and shows how far it is. */
export function download({ backend, streams, item, label, name = item.name, className = "" }) {
  const button = make("button", { type: "button", className }, label);
  const bar = make("progress", { max: item.size || 1, value: 0, hidden: true, ariaLabel: "Downloaded" });
  const note = make("p", { className: "note", role: "status", hidden: true });
  const box = make("div", { className: "download" }, button, bar, note);
  button.onclick = async () => {
    button.disabled = true;
    const meter = new Meter(bar, note, item.kind === "f" ? item.size : null);
    try {
      if (streams.isAble) await saveStreamed({ streams, item, name, meter, box });
      else await saveWhole({ backend, item, name, meter });
      meter.finish("Saved.");
    } catch (error) {
      meter.finish(error.kind === "stopped" ? "Stopped." : error.message);
    }
    button.disabled = false;
  };
  return box;
}

/** Let the browser save what the service worker streams; ends when the last byte has been handed over. */
function saveStreamed({ streams, item, name, meter, box }) {
  return new Promise((resolve, reject) => {
    const watch = ({ bytes, done, refused }) => {
      if (bytes) meter.add(bytes);
      if (done && refused === "stopped") reject(Object.assign(new Error("stopped"), { kind: "stopped" }));
      else if (done && refused) reject(new Refusal(refused));
      else if (done) resolve();
    };
    // A plain link: browsers keep requests of links with `download` from service workers. The answer is an attachment.
    const link = make("a", { href: streams.address(item, { name, watch }), hidden: true });
    box.append(link);
    link.click();
    link.remove();
  });
}

/** Fetch a file into memory and save it. Raises too-large for folders and for what does not fit. */
async function saveWhole({ backend, item, name, meter }) {
  if (item.kind !== "f") throw new Refusal("too-large");
  const pieces = await backend.call("whole", { node: item.node });
  meter.add(item.size);
  const url = URL.createObjectURL(new Blob(pieces, { type: "application/octet-stream" }));
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Bytes, speed and time left. */
class Meter {
  constructor(bar, note, total) {
    Object.assign(this, { bar, note, total, bytes: 0, begun: performance.now() });
    bar.hidden = note.hidden = false;
    if (total === null) bar.removeAttribute("value");
    this.show();
    this.timer = setInterval(() => this.show(), 250);
  }

  add(bytes) {
    this.bytes += bytes;
  }

  show() {
    const speed = this.bytes / Math.max(0.25, (performance.now() - this.begun) / 1000);
    const parts = [sizeText(this.bytes) + (this.total === null ? "" : ` of ${sizeText(this.total)}`)];
    if (this.bytes) parts.push(`${sizeText(Math.round(speed))}/s`);
    if (this.bytes && this.total !== null) parts.push(`${durationText((this.total - this.bytes) / speed)} left`);
    this.note.textContent = parts.join(" · ");
    if (this.total !== null) this.bar.value = this.bytes;
  }

  finish(sentence) {
    clearInterval(this.timer);
    this.note.textContent = `${sentence} ${sizeText(this.bytes)}`;
    this.bar.hidden = true;
  }
}
