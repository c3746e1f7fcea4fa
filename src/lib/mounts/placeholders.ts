import type { SourceTree } from "../compose/sources.ts";

/** Common names of placeholder files, which make Git keep an otherwise empty folder. */
const names =
  /^(\.git(keep|ignore|attributes)|\.?(git)?keep|\.(empty|placeholder|hold|dummy|nomedia|dockerignore)|empty|placeholder|readme(\.(md|txt|rst))?)$/i;

/** Whether a file has no content yet: no byte, or an empty object or list. */
function isEmpty(content: Uint8Array): boolean {
  return content.length < 20 && /^\s*(?:\{\s*\}|\[\s*\])?\s*$/.test(new TextDecoder().decode(content));
}

/**
 * Whether a tree of the commit only makes room for other content: a folder with nothing but placeholders, or an empty file that
 * containers write to.
 */
export function holdsNothing({ files }: SourceTree, isWritable: boolean): boolean {
  return files.every(({ path, content, link }) => {
    if (link !== undefined) return false;
    if (path === "") return isWritable && isEmpty(content);
    const name = path.split("/").at(-1) ?? path;
    return names.test(name) || (content.length === 0 && name.startsWith("."));
  });
}
