/**
 * How large text on the wall must be, and how much then fits. The eye sees angles: capitals of height h at a distance D
 * span h / D, and 16 minutes of arc are the least for what must be read. One unit of the wall's styles (1 rem) is 16′ at
 * the distance and on the screen that were set; `styles/wall.css` computes the same length from the same two numbers, and
 * e2e/wall-layout.spec.ts holds both together. Pure. Invariant: a layout never asks for more lines than are legible.
 */

/** Capital height of Inter, in em: units 2048, capitals 1490 (font's OS/2 table). */
export const CAPITALS_EM = 0.7273;
/** The least for text that matters; 20′ to 22′ are preferred (NUREG-0700 1.3.1, ISO 9241-303). */
export const LEAST_ARCMIN = 16;
const ARCMIN_PER_RADIAN = (180 * 60) / Math.PI;
const METRES_PER_INCH = 0.0254;

/** Parts of the diagonal between which the unit is kept: small print on a near screen, and no picture at all. */
export const SMALLEST_UNIT = 56;
export const LARGEST_UNIT = 32;

/** What a display is set for. PRODUCT 4.3: 5 m; a 55-inch screen is what most rooms have. */
export interface Viewing {
  distanceM: number;
  diagonalIn: number;
}
export const USUAL_VIEWING: Viewing = { distanceM: 5, diagonalIn: 55 };

/** A screen in CSS pixels. */
export interface Screen {
  width: number;
  height: number;
}

/** Height that a capital must have at this distance to span so many minutes of arc, in metres. */
export function capitalHeight(distanceM: number, arcmin: number): number {
  return distanceM * Math.tan(arcmin / ARCMIN_PER_RADIAN);
}

/** CSS pixels of font size at which capitals span `arcmin` at the distance. */
export function fontSize(screen: Screen, { distanceM, diagonalIn }: Viewing, arcmin: number): number {
  const pixel = (diagonalIn * METRES_PER_INCH) / Math.hypot(screen.width, screen.height);
  return capitalHeight(distanceM, arcmin) / CAPITALS_EM / pixel;
}

/** The wall's unit in CSS pixels: 16′, kept within what gives a picture. */
export function unitOf(screen: Screen, viewing: Viewing): number {
  const diagonal = Math.hypot(screen.width, screen.height);
  const wanted = fontSize(screen, viewing, LEAST_ARCMIN);
  return Math.min(Math.max(wanted, diagonal / SMALLEST_UNIT), diagonal / LARGEST_UNIT);
}

/** The smallest diagonal, in inches, on which a wall for this distance can be read at all. */
export function leastDiagonal(distanceM: number): number {
  return Math.ceil((capitalHeight(distanceM, LEAST_ARCMIN) / CAPITALS_EM / METRES_PER_INCH) * LARGEST_UNIT - 1e-9);
}

/** From how far a screen can be read, in metres, rounded down to a tenth. */
export function greatestDistance(diagonalIn: number): number {
  const perMetre = (capitalHeight(1, LEAST_ARCMIN) / CAPITALS_EM / METRES_PER_INCH) * LARGEST_UNIT;
  return Math.floor((diagonalIn / perMetre) * 10 + 1e-9) / 10;
}

export type Shape = 'standard' | 'wide' | 'tall';

/** What fits, in lines and places. */
export interface Room {
  shape: Shape;
  /** too few legible lines for the whole picture: the day and what runs leave first, then quiet environments */
  isSmall: boolean;
  /** tiles across and down */
  columns: number;
  tileRows: number;
  /** lines of the follow-up list */
  followUps: number;
  /** operations beside follow-ups, and where they have the list's place */
  active: number;
  activeAlone: number;
}

/** Legible lines (units) that the whole picture needs, by shape; below them the small one is drawn. */
const NEEDS: Record<Shape, { width: number; height: number }> = {
  standard: { width: 36.6, height: 21.2 },
  wide: { width: 40, height: 16.8 },
  tall: { width: 21.3, height: 37.6 }
};
const WHOLE: Record<Shape, Omit<Room, 'shape' | 'isSmall'>> = {
  standard: { columns: 3, tileRows: 4, followUps: 4, active: 2, activeAlone: 8 },
  wide: { columns: 4, tileRows: 3, followUps: 3, active: 2, activeAlone: 6 },
  tall: { columns: 3, tileRows: 4, followUps: 4, active: 3, activeAlone: 8 }
};
/** A line of the list with its reason, and the head above it, in units. */
const LINE = 2.35;
const SMALL_HEAD = { standard: 6.1, wide: 5.8, tall: 10.6 } as const satisfies Record<Shape, number>;
const MOST_LINES = 12;

export function shapeOf({ width, height }: Screen): Shape {
  const aspect = width / height;
  return aspect >= 2 ? 'wide' : aspect <= 1 ? 'tall' : 'standard';
}

/** `wantsSmall`: a person chose the small picture, whatever would fit. */
export function roomOf(screen: Screen, viewing: Viewing, wantsSmall = false): Room {
  const shape = shapeOf(screen);
  const unit = unitOf(screen, viewing);
  const [width, height] = [screen.width / unit, screen.height / unit];
  const fits = width >= NEEDS[shape].width && height >= NEEDS[shape].height;
  if (fits && !wantsSmall) return { shape, isSmall: false, ...WHOLE[shape] };
  const lines = Math.floor((height - SMALL_HEAD[shape]) / LINE);
  const followUps = Math.min(Math.max(lines, 1), MOST_LINES);
  const columns = shape === 'tall' ? 2 : WHOLE[shape].columns;
  return { shape, isSmall: true, columns, tileRows: followUps, followUps, active: 0, activeAlone: 0 };
}
