import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  capitalHeight,
  fontSize,
  greatestDistance,
  leastDiagonal,
  LEAST_ARCMIN,
  roomOf,
  shapeOf,
  unitOf,
  USUAL_VIEWING
} from './wall-size.ts';

const HD = { width: 1920, height: 1080 };
const SIZES = [
  { width: 1280, height: 720 },
  HD,
  { width: 3840, height: 2160 },
  { width: 1080, height: 1920 },
  { width: 2560, height: 1080 }
];
const screens = fc.record({
  width: fc.integer({ min: 320, max: 7_680 }),
  height: fc.integer({ min: 320, max: 4_320 })
});
const viewings = fc.record({
  distanceM: fc.double({ min: 0.5, max: 30, noNaN: true }),
  diagonalIn: fc.double({ min: 10, max: 300, noNaN: true })
});

describe('the size of text', () => {
  it('makes capitals span 16 minutes of arc: 23.3 mm at 5 m, about 1/52 of the width of a 55-inch screen', () => {
    expect(capitalHeight(5, 16) * 1_000).toBeCloseTo(23.27, 2);
    const width = (55 * 0.0254 * 16) / Math.hypot(16, 9);
    expect(width / capitalHeight(5, 16)).toBeCloseTo(52.3, 1);
  });

  it('is 50.5 px on a 55-inch screen of 1920×1080 at 5 m, and 37.8 px for 20′ at 3 m', () => {
    expect(fontSize(HD, USUAL_VIEWING, 16)).toBeCloseTo(50.5, 0);
    expect(fontSize(HD, { distanceM: 3, diagonalIn: 55 }, 20)).toBeCloseTo(37.8, 0);
  });

  it('is the same part of the screen whatever its pixels, and grows with the distance', () => {
    fc.assert(
      fc.property(screens, viewings, fc.integer({ min: 2, max: 4 }), (screen, viewing, scale) => {
        const finer = { width: screen.width * scale, height: screen.height * scale };
        expect(unitOf(finer, viewing) / scale).toBeCloseTo(unitOf(screen, viewing), 6);
        const further = { ...viewing, distanceM: viewing.distanceM * 1.5 };
        expect(unitOf(screen, further)).toBeGreaterThanOrEqual(unitOf(screen, viewing));
      })
    );
  });

  it('is never smaller than the angle asks for, but where no picture would be left', () => {
    fc.assert(
      fc.property(screens, viewings, (screen, viewing) => {
        const unit = unitOf(screen, viewing);
        const isReadable = viewing.diagonalIn >= leastDiagonal(viewing.distanceM);
        if (isReadable) expect(unit).toBeGreaterThanOrEqual(fontSize(screen, viewing, LEAST_ARCMIN) - 1e-9);
        expect(unit).toBeLessThanOrEqual(Math.hypot(screen.width, screen.height) / 32 + 1e-9);
      })
    );
  });

  it('says which screen would do, and from where one can be read', () => {
    expect(leastDiagonal(5)).toBe(41);
    expect(greatestDistance(55)).toBe(6.8);
    fc.assert(
      fc.property(fc.double({ min: 0.5, max: 30, noNaN: true }), (distanceM) => {
        expect(greatestDistance(leastDiagonal(distanceM))).toBeGreaterThanOrEqual(Math.floor(distanceM * 10) / 10);
      })
    );
  });
});

describe('what fits', () => {
  it.each(SIZES)('is the whole picture at $width×$height, with 8 to 12 lines in sight', (size) => {
    const room = roomOf(size, USUAL_VIEWING);
    expect(room.isSmall).toBe(false);
    expect(room.columns * room.tileRows).toBe(12);
    // Verdict, tiles and what is beneath; or verdict, list and what is beneath.
    const lines = room.shape === 'tall' ? room.tileRows + room.followUps + 2 : room.tileRows + room.followUps + 1;
    expect(lines).toBeGreaterThanOrEqual(7);
    expect(lines).toBeLessThanOrEqual(12);
  });

  it('is judged by the proportions of the screen', () => {
    expect(SIZES.map(shapeOf)).toEqual(['standard', 'standard', 'standard', 'tall', 'wide']);
  });

  it('leaves what is wrong when there is little room, or when a person wants it so', () => {
    expect(roomOf(HD, { distanceM: 6, diagonalIn: 55 })).toMatchObject({ isSmall: true, active: 0 });
    expect(roomOf(HD, USUAL_VIEWING, true)).toMatchObject({ isSmall: true });
  });

  it('never asks for more lines than the height holds', () => {
    fc.assert(
      fc.property(screens, viewings, fc.boolean(), (screen, viewing, wantsSmall) => {
        const room = roomOf(screen, viewing, wantsSmall);
        expect(room.followUps).toBeGreaterThanOrEqual(1);
        expect(room.followUps).toBeLessThanOrEqual(12);
        const height = screen.height / unitOf(screen, viewing);
        // Each has two lines of text of 1.87 units; the verdict stands above them.
        if (room.followUps > 1) expect(room.followUps * 1.87 + 3.9).toBeLessThanOrEqual(height);
      })
    );
  });
});
