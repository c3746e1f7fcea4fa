import {
  DefaultRenderer,
  Listr,
  ListrDefaultRendererLogLevels as Level,
  type ListrDefaultRendererOptions,
  ListrLogger,
  ListrTaskState,
  ProcessOutput,
  ProcessOutputStream,
} from "listr2";
import type { ProgressRow, ProgressSection, RowState } from "../progress-state.ts";
import { fitRows } from "../fit-rows.ts";
import { writeFrame } from "../output.ts";
import type { Palette } from "../palette.ts";

/** The content to draw, requested for every frame. Widths are in columns. */
export interface Picture {
  sections: () => readonly ProgressSection[];
  title: (section: ProgressSection, width: number) => string;
  text: (row: ProgressRow, width: number) => string;
  /** Lines below the list. */
  remarks: () => readonly string[];
}

type TaskList = Listr<unknown, typeof DefaultRenderer, typeof DefaultRenderer>;
type Task = TaskList["tasks"][number];

const taskStates: Record<RowState, ListrTaskState> = {
  waiting: ListrTaskState.WAITING,
  running: ListrTaskState.STARTED,
  done: ListrTaskState.COMPLETED,
  skipped: ListrTaskState.SKIPPED,
  failed: ListrTaskState.FAILED,
};

/** Columns that listr2 leaves free at the right edge, and columns of an icon. */
const margin = 4;
const indentation = 2;

/** A list drawn by listr2 from a picture. Its tasks run nothing: the work is done elsewhere, and only shown here. */
export class SectionList {
  readonly #sections = createList();
  readonly #rows = createList();
  readonly #tasks = new Map<ProgressRow | ProgressSection, Task>();
  readonly #stream: typeof process.stderr;
  readonly #picture: Picture;
  readonly #renderer: FrameRenderer;
  readonly #drawing: Promise<void>;
  readonly #checks: Promise<boolean>[] = [];

  constructor(stream: typeof process.stderr, palette: Palette, picture: Picture) {
    this.#stream = stream;
    this.#picture = picture;
    // listr2 draws on the first of the two streams. Output that others write to them meanwhile waits until the end.
    const processOutput = new ProcessOutput(stream, process.stdout, { leaveEmptyLine: false });
    processOutput.stream.stdout = new FrameStream(stream);
    const options: ListrDefaultRendererOptions = {
      logger: new ListrLogger({ processOutput }),
      color: iconColors(palette),
      indentation,
      collapseSubtasks: false,
      showErrorMessage: false,
      showSkipMessage: false,
      formatOutput: "truncate",
    };
    this.#renderer = new FrameRenderer(this.#sections.tasks, options, this.#sections.events);
    this.#renderer.prepare = (last) => this.#prepare(last);
    this.#drawing = this.#renderer.render();
    process.once("exit", this.#giveBack);
  }

  /** Draws the complete last frame and restores the terminal. */
  async end(): Promise<void> {
    await this.#drawing;
    // listr2 draws a task only after it has checked it, and the last tasks may be new.
    this.#prepare(true);
    await Promise.all(this.#checks);
    process.off("exit", this.#giveBack);
    this.#renderer.end();
  }

  /** A process that exits abruptly must not leave the cursor hidden. */
  readonly #giveBack = (): void => {
    if (this.#renderer.drawn) this.#renderer.end();
  };

  /** Updates the tasks from the picture. Returns the lines below them. */
  #prepare(last: boolean): string[] {
    const width = (this.#stream.columns ?? 80) - margin;
    const sections = this.#picture.sections();
    const remarks = this.#picture.remarks();
    const height = (this.#stream.rows ?? 24) - sections.length - remarks.length - 2;
    const { shown, hidden } = fitRows(sections, last ? Infinity : height);
    for (const section of sections) {
      const task = this.#taskOf(this.#sections, section);
      task.state = stateOf(section, last);
      if (section.title !== "") task.title = this.#picture.title(section, width);
      const rows = section.rows.filter((row) => shown.has(row));
      task.subtasks = rows.map((row) => this.#rowTask(row, section.title === "" ? width : width - indentation, last));
    }
    return [...(hidden === "" ? [] : [hidden]), ...remarks];
  }

  #rowTask(row: ProgressRow, width: number, last: boolean): Task {
    const task = this.#taskOf(this.#rows, row);
    task.title = this.#picture.text(row, width);
    task.state = last && row.state === "running" ? ListrTaskState.CANCELLED : taskStates[row.state];
    return task;
  }

  #taskOf(list: TaskList, part: ProgressRow | ProgressSection): Task {
    let task = this.#tasks.get(part);
    if (task) return task;
    list.add({ task: () => {} });
    task = list.tasks.at(-1)!;
    this.#checks.push(task.check({}));
    this.#tasks.set(part, task);
    return task;
  }
}

function createList(): TaskList {
  const options = { renderer: DefaultRenderer, fallbackRenderer: DefaultRenderer, exitOnError: false, registerSignalListeners: false };
  return new Listr<unknown, typeof DefaultRenderer, typeof DefaultRenderer>([], options);
}

/** Only what listr2 draws itself may move the cursor. */
class FrameStream extends ProcessOutputStream {
  readonly #stream: typeof process.stderr;
  readonly #unguarded: NodeJS.WritableStream["write"];

  constructor(stream: typeof process.stderr) {
    super(stream);
    this.#stream = stream;
    this.#unguarded = Reflect.get(stream, "write");
  }

  override write(...[chunk]: Parameters<typeof process.stderr.write>): boolean {
    return writeFrame(this.#stream, Buffer.from(chunk).toString(), this.#unguarded);
  }
}

class FrameRenderer extends DefaultRenderer {
  /** Called before each frame; returns the lines that follow it. */
  prepare: (last: boolean) => string[] = () => [];
  drawn = false;

  override create(options?: Parameters<DefaultRenderer["create"]>[0]): string {
    this.drawn = true;
    const remarks = this.prepare(options?.prompt === false);
    return [super.create(options), ...remarks].filter((part) => part !== "").join("\n");
  }
}

function stateOf({ rows }: ProgressSection, last: boolean): ListrTaskState {
  if (rows.some(({ state }) => state === "failed")) return ListrTaskState.FAILED;
  if (rows.every(({ state }) => state === "done" || state === "skipped")) return ListrTaskState.COMPLETED;
  if (rows.every(({ state }) => state === "waiting")) return ListrTaskState.WAITING;
  return last ? ListrTaskState.CANCELLED : ListrTaskState.STARTED;
}

function iconColors(palette: Palette): NonNullable<ListrDefaultRendererOptions["color"]> {
  const painted =
    (color: keyof Palette) =>
    (icon = "") =>
      palette[color](icon);
  return {
    [Level.COMPLETED]: painted("good"),
    [Level.PENDING]: painted("caution"),
    [Level.WAITING]: painted("faint"),
    [Level.SKIPPED_WITH_COLLAPSE]: painted("faint"),
    [Level.FAILED]: painted("bad"),
    [Level.FAILED_WITH_FAILED_SUBTASKS]: painted("bad"),
    [Level.CANCELLED]: painted("bad"),
  };
}
