import { pushTo } from '../util/multimap.ts';
import { matchPath } from '../model/pattern.ts';
import { parentOf } from '../model/repo-path.ts';
import type { AttemptOutcome } from '../run/runner.ts';
import type { DatumPlan } from './datum-plan.ts';
import type { Planner } from './planner.ts';
import type { StageState } from './stage-state.ts';

type Ok = Extract<AttemptOutcome, { state: 'ok' }>;

/** Finds who else makes a path; made once per run. */
export class Rivals {
  readonly #planner: Planner;
  readonly #byHome = new Map<string, StageState[]>();

  constructor(planner: Planner) {
    this.#planner = planner;
    for (const state of planner.options.states) {
      for (const home of new Set(state.node.stage.outs.map((out) => out.pattern.home))) {
        pushTo(this.#byHome, home, state);
      }
    }
  }

  /** The failure that names both where a datum wrote a path that somebody else makes already. */
  async check(datum: DatumPlan<StageState>, ran: Ok): Promise<AttemptOutcome | undefined> {
    for (const file of ran.outs) {
      const rival = (await this.#added(file.path)) ?? (await this.#stage(datum.stage, file.path));
      if (rival === undefined) continue;
      return {
        state: 'failed',
        class: 'user',
        code: 'two-producers',
        message: `${file.path} is written by stage ${datum.stage.id} and ${rival}`,
        hint: 'Give one of the two another path: a path has one producer.',
        paths: [file.path],
        stderr: '',
        usage: ran.usage,
        retry: false,
      };
    }
    return undefined;
  }

  async #added(path: string): Promise<string | undefined> {
    for (const added of this.#planner.options.sources.allAdded) {
      const { home } = added.dataset;
      if (path !== home && !path.startsWith(`${home}/`)) continue;
      if ((await added.listingNow()).some((file) => file.path === path)) return `recorded by ${home}.datawf`;
    }
    return undefined;
  }

  async #stage(state: StageState, path: string): Promise<string | undefined> {
    for (let home = path; home !== ''; home = parentOf(home)) {
      for (const other of this.#byHome.get(home) ?? []) {
        if (other === state) continue;
        if (!other.node.stage.outs.some((out) => matchPath(out.pattern, path) !== undefined)) continue;
        const view = await other.view(this.#planner.readTree);
        const index = view.paths.indexOf(path);
        if (index < 0) continue;
        if (view.entries[index] !== undefined || view.origins[index]?.outcome !== undefined)
          return `by stage ${other.id}`;
      }
    }
    return undefined;
  }
}
