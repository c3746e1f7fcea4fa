/**
 * A duration for people: `80 ms`, `1.2 s`, `2 m 05 s`, `1 h 02 m`.
 * @param milliseconds not negative
 */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 100) return `${Math.round(milliseconds)} ms`;
  const tenths = Math.round(milliseconds / 100);
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${padded(seconds % 60)} s`;
  const minutes = Math.round(milliseconds / 60_000);
  return `${Math.floor(minutes / 60)} h ${padded(minutes % 60)} m`;
}

/** The time of day, `12:03:04`, in the local time zone. */
export function formatTime(date: Date): string {
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(padded).join(":");
}

function padded(value: number): string {
  return String(value).padStart(2, "0");
}
