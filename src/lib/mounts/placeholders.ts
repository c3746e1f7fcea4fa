import type { SourceTree } from "../compose/sources.ts";

/** What Git needs to keep a folder that is otherwise empty, by the names that people give it. */
const names =
  /^(\.git(keep|ignore|attributes)|\.?(git)?keep|\.(empty|placeholder|hold|dummy|nomedia|dockerignore)|empty|placeholder|readme(\.(md|txt|rst))?)$/i;

/** Whether a file has nothing yet: no byte, or an object or a list without anything in it. */
function isEmpty(content: Uint8Array): boolean {
  return content.length < 20 && /^\s*(?:\{\s*\}|\[\s*\])?\s*$/.test(new TextDecoder().decode(content));
}

/**
 * Whether a tree of the commit is there for what others will put there: a folder that has placeholders alone, or an empty
 * file that containers write to.
 */
export function holdsNothing({ files }: SourceTree, isWritable: boolean): boolean {
  return files.every(({ path, content, link }) => {
    if (link !== undefined) return false;
    if (path === "") return isWritable && isEmpty(content);
    const name = path.split("/").at(-1) ?? path;
    return names.test(name) || (content.length === 0 && name.startsWith("."));
  });
}
