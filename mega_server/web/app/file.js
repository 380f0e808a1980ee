// One shared file: what it is, a preview where that is harmless, the download with its progress.

import { download } from "./download.js";
import { make, nameText, sizeText, timeText } from "./dom.js";
import { imageType, isText, mediaType } from "./kinds.js";

const IMAGE_MOST_BYTES = 64 << 20;
const TEXT_MOST_BYTES = 1 << 20;

/** Show a file. */
export async function fileView({ backend, streams, shared }) {
  const title = make("h1", {}, nameText(shared.name));
  const facts = [sizeText(shared.size), shared.expiresMs ? `until ${timeText(shared.expiresMs)}` : "no expiry"];
  const card = make("section", { className: "card" }, title, make("p", { className: "facts" }, facts.join(" · ")));
  card.append(download({ backend, streams, item: shared, label: "Download" }));
  const preview = await previewOf({ backend, streams, item: shared });
  if (preview) card.append(preview);
  return card;
}

/** Show an image, a text or a player; null where a download is all there is. */
export async function previewOf({ backend, streams, item }) {
  const media = mediaType(item.name);
  if (media && streams.isAble) return make("div", { className: "preview" }, player(streams, item, media));
  const image = imageType(item.name);
  if (image && item.size <= IMAGE_MOST_BYTES) {
    const url = URL.createObjectURL(new Blob(await backend.call("whole", { node: item.node }), { type: image }));
    return make("div", { className: "preview" }, make("img", { src: url, alt: nameText(item.name) }));
  }
  if (isText(item.name) && item.size <= TEXT_MOST_BYTES) {
    const text = await new Blob(await backend.call("whole", { node: item.node })).text();
    return make("div", { className: "preview" }, make("pre", { tabIndex: 0 }, text));
  }
  return null;
}

/** Make a player that fetches what it plays. */
export function player(streams, item, type) {
  const src = streams.address(item, { type });
  return make(type.startsWith("audio") ? "audio" : "video", { src, controls: true, preload: "metadata" });
}
