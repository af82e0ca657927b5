/**
 * The way over HTTP in the simulated world: at most one question, answered in two steps, and lost whenever the world says
 * so. It decides nothing. Invariant: whoever asks while a question is open breaks the promise of one at a time.
 */
import type { Reply } from '../http-socket.ts';
import type { Stop } from '../ports.ts';
import type { Subscribe, SubscribeAnswer } from '../protocol.ts';

interface Flight {
  question: Subscribe;
  replied: (reply: Reply | null) => void;
  answer: SubscribeAnswer | null;
}

export class SimulatedHttp {
  #flight: Flight | null = null;
  /** questions in all */
  asked = 0;

  post(question: Subscribe, replied: (reply: Reply | null) => void): Stop {
    if (this.#flight !== null) throw new Error('two questions at once');
    this.asked += 1;
    const flight = (this.#flight = { question, replied, answer: null });
    return () => {
      if (this.#flight === flight) this.#flight = null;
    };
  }

  /** The hub reads the answer; it is under way from then on. */
  serve(read: (question: Subscribe) => SubscribeAnswer): void {
    if (this.#flight) this.#flight.answer ??= read(this.#flight.question);
  }

  /** The answer arrives. */
  deliver(arrived: (answer: SubscribeAnswer) => void): void {
    const flight = this.#flight;
    if (!flight?.answer) return;
    this.#flight = null;
    arrived(flight.answer);
    flight.replied({ status: 200, body: flight.answer });
  }

  cut(): void {
    const flight = this.#flight;
    this.#flight = null;
    flight?.replied(null);
  }
}
