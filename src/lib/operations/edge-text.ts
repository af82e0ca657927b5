/**
 * An edge of the time window as it stands in the address: `24h`, `7d`, `90m` (so long before now), or an instant to the
 * minute in UTC, `2026-11-20T08:00Z`. Pure. Invariant: parsing what was formatted gives the same edge.
 */
import type { Edge } from './filter.ts';

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
/** The longest way back that can be asked for: history is kept for less. */
const LONGEST_AGO_MS = 3_650 * UNITS.d;

export function formatEdge(edge: Edge): string {
  if ('at' in edge) return `${new Date(edge.at).toISOString().slice(0, 16)}Z`;
  const unit = edge.agoMs % UNITS.d === 0 ? 'd' : edge.agoMs % UNITS.h === 0 ? 'h' : 'm';
  return `${edge.agoMs / UNITS[unit]}${unit}`;
}

/** null for anything else. A day alone is its first minute in UTC. */
export function parseEdge(text: string): Edge | null {
  const ago = /^([1-9]\d{0,5})([mhd])$/.exec(text);
  if (ago) {
    const agoMs = Number(ago[1]) * UNITS[ago[2] as keyof typeof UNITS];
    return agoMs <= LONGEST_AGO_MS ? { agoMs } : null;
  }
  const instant = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}))?(?::\d{2}(?:\.\d+)?)?(?:Z)?$/.exec(text);
  if (!instant) return null;
  const at = Date.parse(`${instant[1]}T${instant[2] ?? '00:00'}:00Z`);
  // 31 February is parsed as a March day by some engines and refused by others; here it is refused.
  if (!Number.isFinite(at) || new Date(at).toISOString().slice(0, 10) !== instant[1]) return null;
  return { at };
}
