/** A line that the engine prints about a push. */
export interface PushRecord {
  id?: string | undefined;
  status?: string | undefined;
  progressDetail?: { current?: number | undefined; total?: number | undefined } | undefined;
}

const finished = /^(Pushed|Layer already exists|Mounted from .*)$/;

/**
 * Counts a push's layers and bytes. Returns a new text when there is progress worth showing: a layer, or a tenth of all bytes.
 */
export function countLayers(): (record: PushRecord) => string | undefined {
  const layers = new Map<string, { done: boolean; current: number; total: number }>();
  let shown = "";
  return ({ id, status, progressDetail }) => {
    if (id === undefined || status === undefined || !/^[0-9a-f]{12}$/.test(id)) return undefined;
    const { current = 0, total = 0 } = progressDetail ?? {};
    const before = layers.get(id) ?? { done: false, current: 0, total: 0 };
    const done = before.done || finished.test(status);
    layers.set(id, { done, current: Math.max(before.current, current), total: Math.max(before.total, total) });
    const all = [...layers.values()];
    const bytes = all.reduce((sum, layer) => sum + layer.total, 0);
    const sent = all.reduce((sum, layer) => sum + (layer.done ? layer.total : Math.min(layer.current, layer.total)), 0);
    const ended = all.filter((layer) => layer.done).length;
    const key = `${ended} ${bytes === 0 ? 0 : Math.floor((10 * sent) / bytes)}`;
    if (key === shown) return undefined;
    shown = key;
    return `${ended} of ${all.length} layers${bytes === 0 ? "" : `, ${megabytes(sent)} of ${megabytes(bytes)} MB`}`;
  };
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1);
}
