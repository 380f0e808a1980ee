// A shared folder: browse, one file, or everything as a zip; music and films play one after another.
// The browser's Back goes up again. Its history holds numbers, never a name.

import { download } from "./download.js";
import { announce, button, goTo, icon, make, untilText } from "./dom.js";
import { mediaType } from "./kinds.js";
import { nameText } from "./names.js";
import { hasPreview, previewOf, Player } from "./preview.js";
import { EntryTable } from "./table.js";

/** Show a folder. */
export async function folderView(context) {
  const view = new FolderView(context);
  await view.show([context.shared]);
  return view.elements;
}

class FolderView {
  constructor({ backend, streams, shared }) {
    Object.assign(this, { backend, streams, shared, visited: [], at: -1, player: null });
    this.title = make("h1");
    this.trail = make("nav", { "aria-label": "Folders above" });
    this.saving = make("div");
    this.shelf = make("div", { className: "shelf" });
    this.note = make("p", { className: "refused", role: "alert", hidden: true });
    const facts = make("p", { className: "quiet" }, `Folder · ${untilText(shared.expiresMs)}`);
    const head = make("div", { className: "head" }, icon("folder"), make("div", {}, this.title, facts, this.trail));
    this.stage = make("section", { className: "card stage", hidden: true, "aria-label": "Preview" });
    this.table = new EntryTable((item) => this.open(item));
    const card = make("section", { className: "card", "aria-label": "Folder" }, head, this.saving, this.shelf, this.note);
    this.elements = [card, this.stage, this.table.element];
    addEventListener("popstate", ({ state }) => this.revisit(state?.at ?? 0));
    history.replaceState({ at: 0 }, "");
  }

  /** Go down or up, and remember it for the browser's Back. */
  async enter(path) {
    if (!(await this.show(path))) return;
    history.pushState({ at: this.at }, "");
    goTo(this.title);
    announce(`${nameText(path.at(-1).name)}, ${this.table.count.textContent}`);
  }

  async revisit(at) {
    const path = this.visited[at];
    if (!path) return;
    this.at = at - 1;
    const later = this.visited.slice(at + 1);
    if (await this.show(path)) this.visited.push(...later);
    goTo(this.title);
  }

  /** Show the last folder of a path; say whether it could be read. Only the newest of several calls shows anything. */
  async show(path) {
    const wanted = (this.wanted = Symbol("show"));
    let items = null;
    try {
      items = await this.backend.call("list", { node: path.at(-1).node });
    } catch (error) {
      if (this.at < 0) throw error;
      this.note.textContent = error.message;
      this.note.hidden = false;
      return false;
    }
    if (this.wanted !== wanted) return false;
    this.at += 1;
    this.visited.splice(this.at, Infinity, path);
    this.path = path;
    this.close();
    this.note.hidden = true;
    this.draw(items);
    return true;
  }

  draw(items) {
    const here = this.path.at(-1);
    this.title.textContent = nameText(here.name);
    const above = this.path.slice(0, -1).flatMap((folder, depth) => [
      button(nameText(folder.name), () => this.enter(this.path.slice(0, depth + 1)), "link"),
      " / ",
    ]);
    this.trail.replaceChildren(...above);
    this.trail.hidden = !above.length;
    this.keepRunning();
    const { backend, streams } = this;
    this.saving.replaceChildren(download({ backend, streams, item: here, label: "Download as zip", name: `${here.name}.zip` }));
    const play = button("Play all", () => this.play(this.tracks()[0]), "plain");
    play.hidden = !streams.isAble || items.filter(isTrack).length < 2;
    this.saving.firstChild.firstChild.after(play);
    this.table.fill(items);
  }

  /** Keep the progress of what is still running in sight. */
  keepRunning() {
    for (const box of document.querySelectorAll(".download.running")) if (!this.shelf.contains(box)) this.shelf.append(box);
  }

  tracks() {
    return this.table.sorted().filter(isTrack);
  }

  /** Enter a folder, play a track, or show a file above the list. */
  async open(item) {
    if (item.kind === "d") {
      await this.enter([...this.path, item]);
    } else if (isTrack(item) && this.streams.isAble) {
      this.play(item);
    } else {
      this.close();
      const place = this.stageOf(item);
      if (!hasPreview({ streams: this.streams, item })) return;
      place.textContent = "Loading a preview…";
      try {
        place.replaceWith(await previewOf({ backend: this.backend, streams: this.streams, item }));
      } catch (error) {
        place.textContent = error.message;
        place.className = "refused";
      }
    }
  }

  /** Play from a track on. */
  play(item) {
    this.close();
    const tracks = this.tracks();
    const place = this.stageOf(item);
    this.player = new Player(this.streams, tracks, tracks.indexOf(item), (at) => {
      this.table.mark(tracks[at]);
      this.nameStage(tracks[at]);
    });
    place.replaceWith(this.player.element);
    this.player.play();
  }

  /** Open the stage for an item; give the place for what is to be seen of it. */
  stageOf(item) {
    this.heading = make("h2");
    this.saver = make("div");
    const close = button("Close", () => this.close(), "plain close");
    const place = make("p", { className: "quiet" });
    this.stage.replaceChildren(make("div", { className: "row" }, this.heading, close), this.saver, place);
    this.stage.hidden = false;
    this.nameStage(item);
    goTo(this.heading);
    this.stage.scrollIntoView({ block: "nearest" });
    return place;
  }

  nameStage(item) {
    const { backend, streams } = this;
    this.keepRunning();
    this.staged = item;
    this.heading.textContent = nameText(item.name);
    this.saver.replaceChildren(download({ backend, streams, item, label: "Download", className: isTrack(item) ? "plain" : "" }));
  }

  close() {
    this.player?.stop();
    this.player = null;
    this.keepRunning();
    if (this.table.playing) this.table.mark(null);
    const isHere = this.stage.contains(document.activeElement);
    this.stage.hidden = true;
    if (isHere) this.table.focus(this.staged);
    this.stage.replaceChildren();
  }
}

function isTrack(item) {
  return item.kind === "f" && mediaType(item.name) !== null;
}
