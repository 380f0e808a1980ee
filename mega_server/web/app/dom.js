// Making elements. Text only ever enters as text: nothing here or elsewhere writes HTML.

/** Make an element from properties and children; strings become text. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("aria") || name === "role" || name === "for") element.setAttribute(name.replace(/^aria(?=[A-Z])/, "aria-").toLowerCase(), value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Write a size for people, in 1024-based units. */
export function sizeText(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  const exponent = Math.min(4, Math.floor(Math.log2(bytes) / 10));
  const number = bytes / 1024 ** exponent;
  return `${number.toFixed(number < 9.95 ? 1 : 0)} ${"KMGT"[exponent - 1]}iB`;
}

/** Write a day and time for people, in their own way. */
export function timeText(ms) {
  return new Date(ms).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

/** Write a duration for people. */
export function durationText(seconds) {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

// Characters that draw nothing or turn the direction of what follows: a name must not look like another.
const INVISIBLE = /[\p{Cc}\p{Zl}\p{Zp}\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;

/** Write a name so that it shows what it is. */
export function nameText(name) {
  return name.replace(INVISIBLE, (sign) => `\\u{${sign.codePointAt(0).toString(16)}}`);
}
