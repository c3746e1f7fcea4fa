import { isBuiltin } from "node:module";

const fetch = (path) => `globalThis.process.getBuiltinModule("${path}")`;

/**
 * Has a module of a bundle take Node.js's own modules from the process. An import of node:process or node:fs as an ES
 * module reads all of its exports, and so loads what stands behind the lazy ones: a terminal, streams, promises; up to
 * 10 ms a start. All goes into the first line, as imports come before everything else, and so that lines stay the same.
 * @param text as esbuild writes it: each import a statement of its own
 */
export function takeBuiltins(text) {
  const taken = [`const require = ${fetch("module")}.createRequire(import.meta.url);`];
  const rest = text.replaceAll(/^import ([^;"]+?) from "([^"]+)";$/gm, (statement, names, path) => {
    if (!isBuiltin(path)) return statement;
    taken.push(`const ${declare(names, fetch(path))};`);
    return "\n".repeat(statement.split("\n").length - 1);
  });
  return `${taken.join(" ")} ${rest}`;
}

/** `a, { b as c }` of a module: `a = module, { b: c } = a`. */
function declare(names, module) {
  const { single, list } = /^(?:(?:\* as )?(?<single>[\w$]+))?(?:, )?(?<list>\{.*\})?$/s.exec(names).groups;
  const named = list && `${list.replaceAll(/\s+/g, " ").replaceAll(" as ", ": ")} = ${single ?? module}`;
  return [single && `${single} = ${module}`, named].filter(Boolean).join(", ");
}
