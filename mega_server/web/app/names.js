// Names come from whoever shared. Here they become text that shows what it is, and file names that do no harm.

// Characters that draw nothing or turn the direction of what follows: a name must not look like another.
const INVISIBLE = /[\p{Cc}\p{Zl}\p{Zp}\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;
const SEPARATORS = /[\\/:]/g;

/** Write a name so that it shows what it is. */
export function nameText(name) {
  return name.replace(INVISIBLE, (sign) => `\\u{${sign.codePointAt(0).toString(16)}}`);
}

/** Write a name that a disk may have: nothing invisible, and nothing that leads elsewhere on some system. */
export function savedName(name) {
  return name.replace(INVISIBLE, "_").replace(SEPARATORS, "_");
}
