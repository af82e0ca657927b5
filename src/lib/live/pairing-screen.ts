/**
 * The screen that waits to be paired, after RFC 8628: it asks for a code, shows it, asks whether it was approved, at the
 * interval that it is told, and begins anew when its time is over. Framework-free; the world is in its ports.
 * Invariants: one question at a time; never sooner than it was told; while the server is away the code stays on the screen
 * until its end, and the screen asks again, more and more slowly, for ever.
 */
import type { PairingAnswer, PollAnswer } from '../operations/wall-answer.ts';
import { formatCode } from '../operations/display-settings.ts';
import type { PairingView } from '../operations/wall-data.ts';
import { backOff } from './connection.ts';
import type { Ports, Stop } from './ports.ts';

export interface PairingParts {
  ports: Pick<Ports, 'after' | 'random' | 'moment'>;
  /** reject when nothing came that could be read */
  ask(): Promise<PairingAnswer>;
  poll(): Promise<PollAnswer>;
  /** of the server, with its scheme */
  origin: string;
  draw(view: PairingView): void;
  /** it is a display now: read the wall */
  paired(): void;
}

/** Where codes are entered, below the origin. */
const PATH = '/pair';
/** An answer "paired" while the wall says otherwise (it was revoked in between) is asked about again. */
const PAIRED_AGAIN_MS = 5_000;

export class PairingScreen {
  #code: string | null = null;
  #expiresAt: number | null = null;
  #state: PairingView['state'] = 'starting';
  #failures = 0;
  #stop: Stop = () => {};
  #isClosed = false;
  readonly #parts: PairingParts;

  constructor(parts: PairingParts) {
    this.#parts = parts;
    this.#draw();
  }

  start(): void {
    this.#isClosed = false;
    void this.#ask();
  }

  close(): void {
    this.#isClosed = true;
    this.#stop();
  }

  async #ask(): Promise<void> {
    this.#forgetExpired();
    const answer = await this.#parts.ask().catch(() => null);
    if (this.#isClosed) return;
    if (answer === null) return this.#away(() => void this.#ask());
    this.#failures = 0;
    if (answer.state === 'paired') {
      this.#parts.paired();
      return this.#after(PAIRED_AGAIN_MS, () => void this.#ask());
    }
    if (answer.state === 'limited') {
      this.#show('starting', null);
      // Spread: a room full of screens was refused together.
      return this.#after(answer.retryInSeconds * 1_000 * (1 + this.#parts.ports.random()), () => void this.#ask());
    }
    this.#code = answer.code;
    this.#show('waiting', answer.expiresInSeconds);
    this.#after(answer.pollSeconds * 1_000, () => void this.#poll());
  }

  async #poll(): Promise<void> {
    if (this.#forgetExpired()) return void this.#ask();
    const answer = await this.#parts.poll().catch(() => null);
    if (this.#isClosed) return;
    if (answer === null) return this.#away(() => void this.#poll());
    this.#failures = 0;
    switch (answer.state) {
      case 'approved':
        this.#parts.paired();
        return this.#after(PAIRED_AGAIN_MS, () => void this.#ask());
      case 'expired':
        this.#code = null;
        this.#show('expired', null);
        return void this.#ask();
      default:
        this.#show('waiting', answer.expiresInSeconds);
        return this.#after(answer.pollSeconds * 1_000, () => void this.#poll());
    }
  }

  /** The server did not answer: the interval doubles (RFC 8628, 3.5), and the code holds meanwhile. */
  #away(again: () => void): void {
    this.#forgetExpired();
    this.#state = 'away';
    this.#draw();
    this.#after(1_000 + backOff(this.#failures++, this.#parts.ports.random()), again);
  }

  #forgetExpired(): boolean {
    if (this.#expiresAt === null || this.#parts.ports.moment().mono < this.#expiresAt) return false;
    this.#code = this.#expiresAt = null;
    this.#state = 'expired';
    this.#draw();
    return true;
  }

  #show(state: PairingView['state'], expiresInSeconds: number | null): void {
    this.#state = state;
    const { mono } = this.#parts.ports.moment();
    const expiresAt = expiresInSeconds === null ? null : mono + expiresInSeconds * 1_000;
    // Answers come a little sooner or later: the end that is shown does not jump by that.
    const isSame = expiresAt !== null && this.#expiresAt !== null && Math.abs(expiresAt - this.#expiresAt) < 2_000;
    if (!isSame) this.#expiresAt = expiresAt;
    this.#draw();
  }

  #after(ms: number, callback: () => void): void {
    this.#stop();
    this.#stop = this.#parts.ports.after(ms, callback);
  }

  #draw(): void {
    const { origin } = this.#parts;
    const code = this.#code;
    this.#parts.draw({
      state: this.#state,
      code,
      address: `${origin.replace(/^[a-z]+:\/\//, '')}${PATH}`,
      url: code === null ? null : `${origin}${PATH}?code=${formatCode(code)}`,
      expiresAt: this.#expiresAt
    });
  }
}
