import * as z from "zod";
import { didYouMean, nearest } from "../../common/nearest.ts";
import { valueAt } from "../../common/plain.ts";
import type { Path, Problem } from "../../common/problem.ts";
import { schema } from "../schema/schema.ts";
import { isTelling } from "../../secrets/telling-names.ts";

type Issue = z.core.$ZodIssue;

/** Turns each of zod's issues into a problem, worded for the author of the file. */
export function describeIssues(issues: readonly Issue[], value: unknown): Problem[] {
  return issues.flatMap((issue) => describeIssue(issue, [], value));
}

function describeIssue(issue: Issue, parent: Path, value: unknown): Problem[] {
  const path = [...parent, ...issue.path.map((part) => (typeof part === "number" ? part : String(part)))];
  const written = valueAt(value, path);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey([...path, key], key, keysAt(schema, path)));
    case "invalid_union":
      return describeUnion(issue, path, value);
    case "invalid_key":
      return [{ path, atKey: true, message: issue.issues[0]?.message ?? issue.message }];
    case "invalid_type":
      return written === undefined ? [missing(path)] : [{ path, message: `expected ${typeName(issue.expected)}${got(written, path)}` }];
    case "invalid_value":
      return [{ path, message: `expected ${issue.values.map(String).join(", ")}${typeof written === "string" ? "" : got(written, path)}` }];
    default:
      return [{ path, message: issue.message }];
  }
}

function missing(path: Path): Problem {
  return { path, message: "is missing", lacks: [path] };
}

function unknownKey(path: Path, key: string, known: readonly string[]): Problem {
  const meant = nearest(key, known);
  return { path, atKey: true, message: `unknown key${didYouMean(key, known)}`, ...(meant === undefined ? {} : { meant }) };
}

const typeNames: Record<string, string> = {
  string: "text",
  object: "a mapping",
  record: "a mapping",
  array: "a list",
  boolean: "true or false",
  int: "a number",
};

function typeName(name: string): string {
  return typeNames[name] ?? name;
}

/**
 * A union with a message of its own reports that. Otherwise the alternative of the intended kind reports what is wrong inside.
 */
function describeUnion(issue: z.core.$ZodIssueInvalidUnion, path: Path, value: unknown): Problem[] {
  const written = valueAt(value, path);
  if (written === undefined) return [missing(path)];
  if (issue.message !== "Invalid input") return [{ path, message: `${issue.message}${got(written, path)}` }];
  const meant = issue.errors.find((errors) => errors.every((error) => error.path.length > 0 || error.code === "unrecognized_keys"));
  if (meant !== undefined) return meant.flatMap((error) => describeIssue(error, path, value));
  const rule = issue.errors.flat().find((error) => error.message.startsWith("expected "))?.message ?? "this value is not allowed here";
  return [{ path, message: `${rule}${got(written, path)}` }];
}

/** Names the kind of text, lists and mappings, never their content: it may be a secret. So may a number at a path for secrets. */
function got(value: unknown, path: Path): string {
  if (value === undefined) return "";
  if (typeof value === "string") return ", got text";
  if (value === null) return ", got nothing";
  if (Array.isArray(value)) return ", got a list";
  if (typeof value === "boolean") return `, got ${value} (put it in quotes if it is meant as text)`;
  if (typeof value !== "number") return ", got a mapping";
  return mayBeSecret(path) ? ", got a number (put it in quotes if it is meant as text)" : `, got ${value}`;
}

function mayBeSecret(path: Path): boolean {
  return path.some((part) => part === "secrets" || part === "webhook" || (typeof part === "string" && isTelling(part)));
}

/** The keys that the schema knows at a path. */
export function keysAt(type: unknown, path: Path): string[] {
  if (type instanceof z.ZodOptional) return keysAt(type.unwrap(), path);
  if (type instanceof z.ZodUnion) return type.options.flatMap((option) => keysAt(option, path));
  const [next, ...rest] = path;
  if (type instanceof z.ZodObject) {
    const shape: Record<string, unknown> = type.shape;
    return next === undefined ? Object.keys(shape) : keysAt(shape[next], rest);
  }
  if (type instanceof z.ZodRecord && next !== undefined) return keysAt(type.valueType, rest);
  if (type instanceof z.ZodArray && next !== undefined) return keysAt(type.element, rest);
  return [];
}
