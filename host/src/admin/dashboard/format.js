// Numbers and times as people read them.

/** A duration in milliseconds. */
export function duration(ms) {
  if (typeof ms !== "number" || !Number.isFinite(ms)) return "–";
  if (ms < 1) return ms === 0 ? "0 ms" : "<1 ms";
  if (ms < 10) return `${ms.toFixed(1).replace(/\.0$/, "")} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  return uptime(ms);
}

/** A long time in milliseconds: its two largest units. */
export function uptime(ms) {
  const seconds = Math.floor(ms / 1000);
  const parts = [
    ["d", Math.floor(seconds / 86_400)],
    ["h", Math.floor(seconds / 3600) % 24],
    ["min", Math.floor(seconds / 60) % 60],
    ["s", seconds % 60],
  ];
  const first = parts.findIndex(([, count]) => count > 0);
  if (first < 0) return "0 s";
  return parts.slice(first, first + 2).filter(([, count]) => count > 0).map(([unit, count]) => `${count} ${unit}`).join(" ");
}

/** A number of bytes. */
export function bytes(count) {
  if (typeof count !== "number") return "–";
  if (count < 1024) return `${count} B`;
  const units = ["KiB", "MiB", "GiB"];
  let size = count / 1024;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
}

/** The time of day of a point in time. */
export function clock(when) {
  const date = new Date(when);
  return Number.isNaN(date.getTime()) ? "–" : date.toLocaleTimeString(undefined, { hour12: false });
}

/** A number of things. */
export const count = (number, one, many = `${one}s`) => `${number.toLocaleString()} ${number === 1 ? one : many}`;

/** JSON to be read. */
export const pretty = (value) => JSON.stringify(value, null, 2);
