// What a page does with a file, by its name alone: whoever shared it chose the name, so this is never a decision about
// safety. Everything but these few media types leaves as a download; SVG, HTML and PDF are never shown.

const MEDIA = {
  aac: "audio/aac", flac: "audio/flac", m4a: "audio/mp4", mp3: "audio/mpeg", oga: "audio/ogg", ogg: "audio/ogg",
  opus: "audio/ogg", wav: "audio/wav", m4v: "video/mp4", mov: "video/mp4", mp4: "video/mp4", ogv: "video/ogg",
  webm: "video/webm", mkv: "video/webm",
};
const IMAGES = {
  avif: "image/avif", bmp: "image/bmp", gif: "image/gif", jpeg: "image/jpeg", jpg: "image/jpeg", png: "image/png",
  webp: "image/webp",
};
const TEXTS = new Set(
  "c cfg conf cpp css csv diff go h html ini java js json log lua md patch php pl py rb rs sh sql srt svg tex toml ts txt vtt xml yaml yml".split(" "),
);
const TEXT_NAMES = new Set(["changelog", "copying", "license", "makefile", "readme"]);
const ENTRIES = { d: "folder", l: "link" };

function suffix(name) {
  return /\.([^.]+)$/.exec(name)?.[1].toLowerCase() ?? "";
}

/** Give the type a player takes, or null. */
export function mediaType(name) {
  return MEDIA[suffix(name)] ?? null;
}

/** Give an image's type, or null. */
export function imageType(name) {
  return IMAGES[suffix(name)] ?? null;
}

/** Tell whether a file may be shown as plain text. */
export function isText(name) {
  return TEXTS.has(suffix(name)) || TEXT_NAMES.has(name.toLowerCase());
}

/** Name the icon of an item. */
export function shapeOf({ kind, name }) {
  if (kind !== "f") return ENTRIES[kind] ?? "file";
  return mediaType(name)?.slice(0, 5) ?? (imageType(name) ? "image" : isText(name) ? "text" : "file");
}
