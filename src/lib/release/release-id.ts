/** `20261123t095500-1f2e3d4c`: the time of creation, in UTC, and the commit's first 8 characters. */
export function releaseId(now: Date, commit: string): string {
  const [date = "", time = ""] = now.toISOString().slice(0, 19).split("T");
  return `${date.replaceAll("-", "")}t${time.replaceAll(":", "")}-${commit.slice(0, 8)}`;
}
