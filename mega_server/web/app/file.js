// One shared file: what it is, the download with its progress, a preview where that is harmless.

import { download } from "./download.js";
import { icon, make, sizeText, untilText } from "./dom.js";
import { shapeOf } from "./kinds.js";
import { nameText } from "./names.js";
import { hasPreview, previewOf } from "./preview.js";

/** Show a file. */
export function fileView({ backend, streams, shared }) {
  const facts = make("p", { className: "quiet" }, `${sizeText(shared.size)} · ${untilText(shared.expiresMs)}`);
  const head = make("div", { className: "head" }, icon(shapeOf(shared)), make("div", {}, make("h1", {}, nameText(shared.name)), facts));
  const save = download({ backend, streams, item: shared, label: "Download" });
  const views = [make("section", { className: "card", "aria-label": "File" }, head, save)];
  if (hasPreview({ streams, item: shared })) {
    const stage = make("section", { className: "card stage", "aria-label": "Preview" }, make("p", { className: "quiet" }, "Loading a preview…"));
    previewOf({ backend, streams, item: shared }).then(
      (preview) => stage.replaceChildren(preview),
      (error) => stage.replaceChildren(make("p", { className: "refused", role: "alert" }, error.message)),
    );
    views.push(stage);
  }
  return views;
}
