// What is shown of one file: an image, a text, a player. Everything else is a download and nothing more.

import { announce, button, make } from "./dom.js";
import { imageType, isText, mediaType } from "./kinds.js";
import { nameText } from "./names.js";

const IMAGE_MOST_BYTES = 64 << 20;
const TEXT_MOST_BYTES = 1 << 20;

/** Tell whether there is more to show of an item than its name. */
export function hasPreview({ streams, item }) {
  const { name, size } = item;
  if (mediaType(name)) return streams.isAble;
  return (imageType(name) !== null && size <= IMAGE_MOST_BYTES) || (isText(name) && size <= TEXT_MOST_BYTES);
}

/** Show an item that has a preview. Raises Refusal. */
export async function previewOf({ backend, streams, item }) {
  if (mediaType(item.name)) return new Player(streams, [item]).element;
  const image = imageType(item.name);
  const blob = await backend.blob(item, image ?? "text/plain");
  if (!image) return make("pre", { tabIndex: 0 }, await blob.text());
  const picture = make("img", { src: URL.createObjectURL(blob), alt: nameText(item.name) });
  await picture.decode().catch(() => {});
  return picture.naturalWidth ? picture : make("p", { className: "quiet" }, "This browser cannot show the picture. Download it.");
}

/** Music or films, one after another. `onTrack` hears what plays, by its number; nothing plays by itself. */
export class Player {
  constructor(streams, tracks, at = 0, onTrack = () => {}) {
    Object.assign(this, { streams, tracks, at, onTrack });
    const isSound = tracks.every(({ name }) => mediaType(name).startsWith("audio"));
    this.media = make(isSound ? "audio" : "video", { controls: true, preload: "metadata" });
    this.media.setAttribute("playsinline", "");
    this.media.onended = () => this.go(1);
    this.media.onerror = () => this.failed();
    this.note = make("p", { className: "quiet", role: "alert", hidden: true });
    this.before = button("Previous", () => this.go(-1), "plain");
    this.after = button("Next", () => this.go(1), "plain");
    this.place = make("span", { className: "quiet" });
    const bar = make("div", { className: "bar" }, this.before, this.after, this.place);
    bar.hidden = tracks.length < 2;
    this.element = make("div", { className: "preview" }, this.media, this.note, bar);
    this.load();
  }

  /** Begin with the present one: its first bytes and its length. */
  load() {
    const item = this.tracks[this.at];
    this.stop();
    this.address = this.streams.address(item, { type: mediaType(item.name) });
    this.media.src = this.address;
    this.media.setAttribute("aria-label", nameText(item.name));
    this.note.hidden = true;
    this.before.disabled = this.at === 0;
    this.after.disabled = this.at === this.tracks.length - 1;
    this.place.textContent = `${this.at + 1} of ${this.tracks.length}`;
    this.onTrack(this.at);
  }

  /** Play the one that is so many places on, if there is one. */
  go(step) {
    if (!this.tracks[this.at + step]) return;
    this.at += step;
    this.load();
    this.play();
    announce(`Playing ${nameText(this.tracks[this.at].name)}`);
  }

  /** Begin to play; a browser may want another click first. */
  play() {
    this.media.play().catch(() => {});
  }

  /** Let the present one go: a player that has left the page would play on. */
  stop() {
    if (!this.address) return;
    this.media.pause();
    this.media.removeAttribute("src");
    this.streams.release(this.address);
  }

  failed() {
    if (!this.media.hasAttribute("src")) return;
    this.note.textContent = "This cannot be played here: the browser does not know the format, or it did not arrive whole. Download it instead.";
    this.note.hidden = false;
  }
}
