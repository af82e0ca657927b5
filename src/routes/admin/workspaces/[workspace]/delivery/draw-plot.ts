/**
 * The only file that knows uPlot. It draws one course with the tokens of the theme that is seen, follows its element's
 * width and the theme, and tells which point the pointer is at. Colours are read from the page, so that a theme is written
 * once; they are drawn on a canvas, which no style sheet reaches.
 */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { toValue, type DeliveryFigure } from '#lib/operations/delivery-figures.ts';
import { toMinute } from '#lib/operations/time.ts';

export interface DrawnPlot {
  show(figure: DeliveryFigure): void;
  destroy(): void;
}

const HEIGHT = 104;
const AXIS_WIDTH = 52;
const AXIS_HEIGHT = 20;
/** Values below are drawn as if the scale went so far at least: noise must not look like mountains. */
const LEAST_SCALE = { ms: 5, count: 4 } as const;
/** A limit is drawn once the course comes this near to it: else it would press the course flat. */
const NEAR = 0.5;

export function drawPlot(
  element: HTMLElement,
  first: DeliveryFigure,
  timeZone: string,
  point: (at: number | null) => void
): DrawnPlot {
  let figure = first;
  const ink = readInk(element);

  const options: uPlot.Options = {
    width: Math.max(120, element.clientWidth),
    height: HEIGHT,
    pxAlign: true,
    legend: { show: false },
    padding: [8, 6, 0, 0],
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    scales: {
      x: { time: true },
      y: { range: (_plot, _least, most) => [0, scaleOf(most, figure)] }
    },
    axes: [
      {
        stroke: () => ink('--text-3'),
        font: fontOf(element),
        size: AXIS_HEIGHT,
        gap: 4,
        space: 80,
        grid: { show: false },
        ticks: { show: false },
        border: { show: true, stroke: () => ink('--line-strong'), width: 1 },
        values: (_plot, splits) => splits.map((at) => toMinute(at * 1_000, (figure.at.at(-1) ?? 0) as number, timeZone))
      },
      {
        stroke: () => ink('--text-3'),
        font: fontOf(element),
        size: AXIS_WIDTH,
        gap: 6,
        space: 30,
        grid: { stroke: () => ink('--line-faint'), width: 1 },
        ticks: { show: false },
        values: (_plot, splits) => splits.map((value) => axisValue(value, figure.kind))
      }
    ],
    series: [
      {},
      {
        stroke: () => ink(figure.shape === 'bars' ? '--bar-fill' : '--text-2'),
        fill: () => (figure.shape === 'bars' ? ink('--bar-fill') : 'transparent'),
        width: figure.shape === 'bars' ? 0 : 1.5,
        // A step without a measurement is a gap, never a line through it.
        spanGaps: false,
        points: { show: figure.at.length < 3 },
        ...(figure.shape === 'bars' && { paths: uPlot.paths.bars!({ size: [0.7, 12, 1] }) })
      }
    ],
    hooks: {
      setCursor: [(plot) => point(plot.cursor.idx ?? null)],
      draw: [(plot) => drawLimit(plot, figure, ink)]
    }
  };
  const plot = new uPlot(options, dataOf(figure), element);
  const resized = new ResizeObserver(() => {
    const width = Math.max(120, element.clientWidth);
    if (width !== plot.width) plot.setSize({ width, height: HEIGHT });
  });
  resized.observe(element);
  // The theme is an attribute of the document or the system's wish.
  const redraw = (): void => plot.redraw(false, true);
  const themed = new MutationObserver(redraw);
  themed.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
  const system = window.matchMedia('(prefers-color-scheme: dark)');
  system.addEventListener('change', redraw);

  return {
    show(next) {
      figure = next;
      plot.setData(dataOf(next));
    },
    destroy() {
      resized.disconnect();
      themed.disconnect();
      system.removeEventListener('change', redraw);
      plot.destroy();
    }
  };
}

function dataOf({ at, values }: DeliveryFigure): uPlot.AlignedData {
  return [at.map((one) => one / 1_000), [...values]];
}

function isLimitNear({ limit }: DeliveryFigure, most: number): boolean {
  return limit !== null && most >= limit.value * NEAR;
}

function scaleOf(most: number | null, figure: DeliveryFigure): number {
  const top = Math.max(LEAST_SCALE[figure.kind], (most ?? 0) * 1.15);
  return isLimitNear(figure, most ?? 0) ? Math.max(top, figure.limit!.value * 1.15) : top;
}

function axisValue(value: number, kind: DeliveryFigure['kind']): string {
  if (value === 0) return '0';
  if (kind === 'count') return Number.isInteger(value) ? (toValue(value, kind) ?? '') : '';
  return toValue(value, kind) ?? '';
}

/** A dashed line with its name: shape and word, so that its colour is not needed. */
function drawLimit(plot: uPlot, figure: DeliveryFigure, ink: (token: string) => string): void {
  const most = Math.max(0, ...figure.values.filter((value) => value !== null));
  if (!isLimitNear(figure, most)) return;
  const { ctx, bbox } = plot;
  const y = plot.valToPos(figure.limit!.value, 'y', true);
  ctx.save();
  ctx.strokeStyle = ink('--warning-solid');
  ctx.fillStyle = ink('--warning-text');
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.textBaseline = 'bottom';
  ctx.fillText(figure.limit!.name, bbox.left + 4 * devicePixelRatio, y - 2 * devicePixelRatio);
  ctx.restore();
}

/** A token as a colour: a canvas knows no custom property, so an element that has it is asked. */
function readInk(element: HTMLElement): (token: string) => string {
  const probe = document.createElement('i');
  probe.hidden = true;
  element.append(probe);
  return (token) => {
    probe.style.color = `var(${token})`;
    return getComputedStyle(probe).color;
  };
}

function fontOf(element: HTMLElement): string {
  return `11px ${getComputedStyle(element).fontFamily}`;
}
