/**
 * Who is in the demo: two providers, their environments, five people and what each may see. Names only; what they do is
 * in kinds.ts and history.ts. Every name is invented and every address ends in .example (RFC 2606).
 */

export interface DemoEnvironment {
  name: string;
  /** how much is there to process, relative to a clinic with a few thousand devices */
  size: number;
  /** how often something happens, relative to the others */
  activity: number;
  /**
   * silent: its source reported regularly until some hours ago, and nothing since · unheard: added, but nothing was ever
   * reported · calm: nothing is open there, and nothing goes wrong there while somebody watches
   */
  story?: 'silent' | 'unheard' | 'calm';
  /** how many days ago it was added, where that is less than the history is long */
  addedDaysAgo?: number;
}

interface DemoWorkspace {
  name: string;
  environments: readonly DemoEnvironment[];
}

export const DEMO_WORKSPACES: readonly DemoWorkspace[] = [
  {
    name: 'Halden & Roy',
    environments: [
      { name: 'Aster Dental Group', size: 0.4, activity: 0.6, story: 'calm' },
      { name: 'Brightwater Clinics', size: 1, activity: 1.6 },
      { name: 'Dunmore Borough Council', size: 2, activity: 1 },
      { name: 'Ellery & Finch LLP', size: 0.3, activity: 0, story: 'unheard', addedDaysAgo: 4 },
      { name: 'Fenwick Mills', size: 0.6, activity: 0.7, story: 'silent' },
      {
        name: 'Greyfriars Academy Trust (sixth form, exams and admissions, all four sites)',
        size: 0.8,
        activity: 0.7,
        story: 'calm'
      },
      { name: 'Harbourline Insurance', size: 3, activity: 1.2 },
      { name: 'Isenberg Pharma Deutschland', size: 4, activity: 1.3 },
      { name: 'Larkhill Housing Association', size: 0.9, activity: 0.8 }
    ]
  },
  {
    name: 'Northgate Services',
    environments: [
      { name: 'Calder Freight', size: 1.5, activity: 0.9 },
      { name: 'Juniper Retail', size: 6, activity: 1.1 },
      { name: 'Kestrel Aviation Services', size: 140, activity: 1 }
    ]
  }
];

export type DemoRole = 'owner' | 'manager' | 'operator' | 'readonly' | 'support';

export interface DemoPerson {
  email: string;
  name: string;
  role: DemoRole;
  /** names of workspaces; to each the environments that narrow the membership (none = all of them) */
  workspaces: Readonly<Record<string, readonly string[]>>;
  /** one sentence for the sign-in help */
  sees: string;
}

export const DEMO_PEOPLE: readonly DemoPerson[] = [
  {
    email: 'maren.holt@haldenroy.example',
    name: 'Maren Holt',
    role: 'owner',
    workspaces: { 'Halden & Roy': [], 'Northgate Services': [] },
    sees: 'both providers, and the workspace in which Watchfloor reports its own work'
  },
  {
    email: 'ingrid.vass@haldenroy.example',
    name: 'Ingrid Vass',
    role: 'manager',
    workspaces: { 'Halden & Roy': [] },
    sees: 'all of Halden & Roy'
  },
  {
    email: 'devi.raman@haldenroy.example',
    name: 'Devi Raman',
    role: 'operator',
    workspaces: { 'Halden & Roy': ['Brightwater Clinics', 'Isenberg Pharma Deutschland'] },
    sees: 'two environments of Halden & Roy: Brightwater Clinics and Isenberg Pharma Deutschland'
  },
  {
    email: 'tomas.okafor@northgate.example',
    name: 'Tomas Okafor',
    role: 'readonly',
    workspaces: { 'Northgate Services': ['Kestrel Aviation Services'] },
    sees: 'one environment of Northgate Services: Kestrel Aviation Services'
  },
  {
    email: 'samuel.achterberg@northgate.example',
    name: 'Samuel Achterberg-Weissenfels',
    role: 'support',
    workspaces: { 'Halden & Roy': [], 'Northgate Services': [] },
    sees: 'both providers, with the diagnostics of operations'
  }
];

/** Marks what the demo reports, in the column `source`: only such operations does the demo's writer ever touch. */
export const DEMO_SOURCE = 'watchfloor-demo';

/** The environment of that name; null for the workspace itself and for what is not the demo's. */
export function environmentOf(workspace: string, environment: string | null): DemoEnvironment | null {
  const known = DEMO_WORKSPACES.find(({ name }) => name === workspace);
  return known?.environments.find(({ name }) => name === environment) ?? null;
}

/** Who may have started an operation in an environment (null = of the workspace itself): those who may see it. */
export function readersOf(workspace: string, environment: string | null): DemoPerson[] {
  return DEMO_PEOPLE.filter(({ role, workspaces }) => {
    const narrowing = workspaces[workspace];
    if (narrowing === undefined || role === 'readonly') return false;
    return environment === null || narrowing.length === 0 || narrowing.includes(environment);
  });
}
