/** The repository's folder, without a slash at its end. */
export const top = new URL("../../../", import.meta.url).pathname.replace(/\/$/, "");
