import { padToWidth, widthOf } from "./width.ts";

/**
 * Formats rows in aligned columns, two spaces apart, under headers in capitals. Columns of numbers are aligned to the right.
 * @param rows with as many cells each as there are headers
 */
export function formatTable(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headers.map((header) => header.toUpperCase()), ...rows];
  const widths = headers.map((_, column) => Math.max(...lines.map((cells) => widthOf(cells[column] ?? ""))));
  const sides = headers.map((_, column) => (rows.length > 0 && rows.every((cells) => isNumber(cells[column] ?? "")) ? "left" : "right"));
  const format = (cells: readonly string[]) => cells.map((cell, column) => padToWidth(cell, widths[column] ?? 0, sides[column])).join("  ");
  return lines.map((cells) => format(cells).trimEnd()).join("\n");
}

/** A number, with a unit or without. */
function isNumber(cell: string): boolean {
  return /^[\d.,]+( ?(ms|s|m|h|%|[kKMGT]?i?B))?$/.test(cell);
}
