import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { ColdtivateError } from "../../errors.ts";
import type { SecretSource } from "../schema/fields.ts";
import { childEnvironment, hookEnvironment } from "../../secrets/child-environment.ts";
import { kindOf, mostBytes, readBounded, systemCode } from "../../common/file.ts";
import { variableOf } from "../../common/interpolation.ts";
import { isEncodedKey, keyFault, normaliseKey } from "../../secrets/private-key.ts";
import { fromSops, sopsTypes } from "./sops.ts";
import { notSet } from "./variables.ts";

/** The kind of a value. It decides whether a path is accepted, and what counts as content. */
export type SecretKind = "password" | "private key" | "dotenv" | "known hosts" | "build secret" | "address";

export interface SecretContext {
  /** The folder that relative paths start from. */
  directory: string;
  env: NodeJS.ProcessEnv;
  /** The variables that coldtivate.yml takes secrets from. A program under `command` gets none of them. */
  secretVariables?: readonly string[];
  /** The variables that the text came from, for messages. */
  variables?: readonly string[];
  signal?: AbortSignal | undefined;
  /** Whether a private key may have a passphrase, because somebody is there to ask for it. */
  mayAsk?: boolean;
}

export interface LoadedValue {
  content: string;
  /** The name of the source in messages: a path, a variable or a program. */
  source: string;
}

/** Why a secret could not be loaded, in words that reveal nothing of it. */
export class SecretFault extends Error {}

const commandTimeout = 120_000;

/** Loads a secret: runs, reads or takes what the source names. An empty source gives undefined. Throws SecretFault. */
export async function loadSecret(source: SecretSource, kind: SecretKind, context: SecretContext): Promise<LoadedValue | undefined> {
  if (typeof source === "string") return source === "" ? undefined : readPathOrContent(source, kind, context);
  if ("env" in source) {
    const value = variableOf(context.env, source.env);
    if (value === undefined) throw new SecretFault(notSet(source.env));
    return value === "" ? undefined : readPathOrContent(value, kind, { ...context, variables: [source.env] });
  }
  if ("file" in source) return readSecretFile(source.file, kind, context);
  if ("sops" in source) return { content: accept(await decrypt(source.sops, kind, context), kind, context), source: source.sops };
  const env = hookEnvironment(context.secretVariables ?? [], {}, context.env);
  return { content: accept(await run(source.command, { ...context, env }), kind, context), source: source.command[0] ?? "" };
}

/** Accepts a value that is a path on one machine and the file's content on another. Throws SecretFault. */
export async function readPathOrContent(value: string, kind: SecretKind, context: SecretContext): Promise<LoadedValue> {
  const named = context.variables?.length ? context.variables.join(", ") : "coldtivate.yml";
  if (mayBePath(value, kind) && kindOf(resolvePath(value, context.directory)) === "file") return readSecretFile(value, kind, context);
  if (looksLikeContent(value, kind)) return { content: accept(value, kind, context), source: named };
  throw new SecretFault(await missingFile(value, kind, context));
}

function mayBePath(value: string, kind: SecretKind): boolean {
  if (kind === "password" || kind === "address" || /[\n\0]/.test(value)) return false;
  return kind !== "build secret" || isAbsolute(value);
}

function looksLikeContent(value: string, kind: SecretKind): boolean {
  switch (kind) {
    case "private key":
      return value.includes("\n") || /^[\s"'\uFEFF]*-----BEGIN/.test(value) || isEncodedKey(value);
    case "dotenv":
      return value.includes("\n") || /^\s*(export\s+)?[A-Za-z_][\w.-]*=/.test(value);
    case "known hosts":
      return /\s/.test(value.trim());
    default:
      return true;
  }
}

/** Shows the path only if it certainly is one: a mistaken value may be a secret. */
async function missingFile(value: string, kind: SecretKind, { directory, variables = [] }: SecretContext): Promise<string> {
  const certain = variables.length === 0 || (kindOf(dirname(resolvePath(value, directory))) === "folder" && /^[./~]/.test(value));
  if (certain) return `there is no file ${value}`;
  return `the value of ${variables.join(", ")} is neither a file that exists nor the content of a ${kind}`;
}

async function readSecretFile(file: string, kind: SecretKind, context: SecretContext): Promise<LoadedValue> {
  return { content: accept(await readText(file, context), kind, context), source: file };
}

async function readText(file: string, { directory, signal }: SecretContext): Promise<string> {
  try {
    return (await readBounded(resolvePath(file, directory), signal)).toString();
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new SecretFault(`cannot read ${file}: ${reason(cause)}`, { cause });
  }
}

/** Decrypts a file with sops. If a dotenv's values are in YAML or JSON, the result is a dotenv. */
async function decrypt(file: string, kind: SecretKind, context: SecretContext): Promise<string> {
  const types = sopsTypes(await readText(file, context));
  if (types === undefined) throw new SecretFault(`${file} is not encrypted with sops`);
  const { input, output } = types;
  const path = resolvePath(file, context.directory);
  const env = childEnvironment("sops", {}, [], context.env);
  const text = await run(["sops", "--decrypt", "--input-type", input, "--output-type", output, path], { ...context, env });
  const found = output === "json" && kind === "dotenv" ? fromSops(text) : { content: text };
  if ("fault" in found) throw new SecretFault(`${file}: ${found.fault}`);
  return found.content;
}

/** The value in the form in which it is used. Checks are made only if they are cheap. */
function accept(content: string, kind: SecretKind, { mayAsk = false }: SecretContext): string {
  if (content.trim() === "") throw new SecretFault(`the ${kind} is empty`);
  if (kind === "password") return content.replace(/[\r\n]+$/, "");
  if (kind === "address") return acceptAddress(content.trim());
  if (kind !== "private key") return content;
  const key = normaliseKey(content);
  const fault = keyFault(key, mayAsk);
  if (fault !== undefined) throw new SecretFault(fault);
  return key;
}

function acceptAddress(address: string): string {
  const url = URL.parse(address);
  if (url?.protocol === "https:") return address;
  // Anyone who intercepts the address could write to the chat. Loopback traffic cannot be intercepted on the way.
  if (url?.protocol === "http:" && isLoopback(url.hostname)) return address;
  throw new SecretFault("expected an address that begins with https://");
}

function isLoopback(name: string): boolean {
  return name === "localhost" || name === "[::1]" || /^127(\.\d+){3}$/.test(name);
}

async function run([program = "", ...args]: readonly string[], { directory, env, signal }: SecretContext): Promise<string> {
  const { execa } = await import("execa");
  const { stdout, failed, exitCode, code, timedOut, isMaxBuffer } = await execa(program, args, {
    cwd: directory,
    env,
    extendEnv: false,
    stdin: process.stdin.isTTY ? "inherit" : "ignore",
    timeout: commandTimeout,
    maxBuffer: mostBytes,
    reject: false,
    // The output is a secret, and NODE_DEBUG=execa would print it.
    verbose: "none",
    ...(signal && { cancelSignal: signal }),
  });
  if (!failed) return stdout;
  if (code === "ENOENT") throw new SecretFault(`there is no program ${program}`);
  if (isMaxBuffer) throw new SecretFault(`${program} printed more than ${mostBytes / 1024 / 1024} MiB, which is no secret's size`);
  throw new SecretFault(
    timedOut
      ? `${program} gave no value within ${commandTimeout / 1000} s`
      : `${program} exited with ${exitCode}; run it by hand to see why`,
  );
}

export function resolvePath(path: string, directory: string): string {
  return path.startsWith("~/") ? join(homedir(), path.slice(2)) : resolve(directory, path);
}

function reason(cause: unknown): string {
  if (cause instanceof ColdtivateError) return cause.message;
  const code = systemCode(cause);
  return { ENOENT: "there is no such file", EACCES: "you may not read it", EISDIR: "it is a folder" }[code] ?? code;
}
