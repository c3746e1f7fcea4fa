import * as z from "zod";
import { ColdtivateError } from "../../errors.ts";
import { hexSchema, lineSchema, pathSchema, plainLines, printable, readAnswer } from "../../common/host-answer.ts";
import { surveyCommand } from "./host-bootstrap.ts";
import type { HostConnection } from "../ssh/ssh.ts";
import type { TarEntry } from "../tar.ts";

/** A question that the script's part `survey.sh` answers. That file describes the questions. */
export interface SurveyQuestion {
  about: "exists" | "tree" | "device";
  /** A path, or a volume's name. */
  subject: string;
}

/** An answer, as words. The first word is its kind. */
export type SurveyAnswer = string[];

/** Limits in milliseconds, and in bytes of the answer: the host reads all files of what is mounted. */
const patience = 900_000;
const mostTold = 96 * 1024 * 1024;

/**
 * Asks a host for further facts, once it is known what a release mounts there. Changes nothing.
 *
 * @param script the result of readHostScript
 */
export async function surveyHost(
  connection: HostConnection,
  script: readonly TarEntry[],
  questions: readonly SurveyQuestion[],
  signal: AbortSignal,
): Promise<SurveyAnswer[]> {
  const asked = questions.filter(({ subject }) => !/[\t\r\n]/.test(subject));
  if (asked.length === 0) return [];
  const stdin = Buffer.from(asked.map(({ about, subject }) => `${about}\t${subject}\n`).join(""));
  const { code, stdout, stderr } = await connection.exec(surveyCommand(script), { stdin, signal, timeout: patience, limit: mostTold });
  if (code === 0)
    return stdout
      .toString()
      .split("\n")
      .flatMap((line) => readWords(connection.host, line));
  throw new ColdtivateError(`${connection.host}: what it has for this release's mounts cannot be told`, {
    code: "HOST_NOT_READY",
    exit: "refused",
    details: plainLines(stderr),
    hint: "Correct what the host says, then run the same command again.",
  });
}

const answerSchema = z.union([
  z.tuple([z.literal("exists"), z.string(), z.enum(["yes", "no", "unknown"])]),
  z.tuple([z.literal("device"), lineSchema, z.union([z.literal(""), pathSchema])]),
  z.tuple([z.literal("more"), z.string(), z.string().regex(/^\d{1,12}$/)]),
  z.tuple([z.literal("sum"), z.string(), hexSchema]),
  z.tuple([z.literal("file"), z.string(), z.string(), z.string()]),
]);

/** The words of an answer; empty if the line is not an answer, because the name of a file may span lines. */
function readWords(host: string, line: string): SurveyAnswer[] {
  const [about = "", ...words] = line.split("\t");
  if (!["exists", "device", "more", "sum", "file"].includes(about)) return [];
  const [subject = "", ...rest] = words;
  // The path of a file is shown to people.
  if (about === "file") return [["file", subject, rest[0] ?? "", printable(rest.slice(1).join(" "))]];
  return [readAnswer(host, "what it says of mounts", answerSchema, [about, subject, ...rest])];
}
