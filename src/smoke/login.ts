/**
 * Signing in before pages are visited: by a recipe (fill these fields, press this, then the address changes), the only
 * form that is ever sent. Two recipes are Watchfloor's own; others are files. It owns the recipe's form and how values
 * come from the environment. Invariant: a value that came from the environment is in no message and no report.
 */
import { readFile } from 'node:fs/promises';
import type { BrowserContext } from 'playwright-core';
import { z } from 'zod';

const recipeSchema = z.strictObject({
  /** the page with the form */
  path: z.string().startsWith('/'),
  /** CSS selectors of fields, and what is written into them; "$NAME" is the variable of that name */
  fill: z.record(z.string(), z.string()),
  /** CSS selector of what is pressed */
  press: z.string(),
  /** CSS selector of what is there once signed in; without it, any other address will do */
  until: z.string().optional()
});
export type Recipe = z.infer<typeof recipeSchema>;

const BUILT_IN: Record<string, Recipe> = {
  watchfloor: {
    path: '/login',
    fill: {
      'input[name="email"]': '$WATCHFLOOR_SMOKE_EMAIL',
      'input[name="password"]': '$WATCHFLOOR_SMOKE_PASSWORD'
    },
    press: 'form button[type="submit"], form button:not([type])'
  },
  'watchfloor-session': {
    path: '/login/smoke',
    fill: { 'input[name="token"]': '$WATCHFLOOR_SMOKE_TOKEN' },
    press: 'form button[type="submit"], form button:not([type])'
  }
};

/** `name`: a built-in recipe or a file. Throws a sentence when there is none, or a variable is missing. */
export async function readRecipe(name: string, environment: NodeJS.ProcessEnv): Promise<Recipe> {
  const recipe = BUILT_IN[name] ?? (await readRecipeFile(name));
  const fill: Record<string, string> = {};
  for (const [selector, value] of Object.entries(recipe.fill)) {
    const variable = /^\$([A-Z_][A-Z0-9_]*)$/i.exec(value)?.[1];
    const filled = variable ? environment[variable] : value;
    if (!filled) throw new Error(`--login ${name} needs ${variable} in the environment.`);
    fill[selector] = filled;
  }
  return { ...recipe, fill };
}

async function readRecipeFile(name: string): Promise<Recipe> {
  const text = await readFile(name, 'utf8').catch(() => {
    throw new Error(`--login ${name}: that is neither a file nor one of ${Object.keys(BUILT_IN).join(', ')}.`);
  });
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    throw new Error(`--login ${name}: the file is no JSON.`, { cause });
  }
  const { success, data: recipe, error } = recipeSchema.safeParse(data);
  if (!success) throw new Error(`--login ${name}: ${error.issues[0]!.path.join('.')}: ${error.issues[0]!.message}.`);
  return recipe;
}

/** Signs the context in. Throws a sentence when the form is not there or does not lead on. */
export async function signIn(
  context: BrowserContext,
  recipe: Recipe,
  origin: string,
  timeoutMs: number
): Promise<void> {
  const page = await context.newPage();
  page.setDefaultTimeout(timeoutMs);
  try {
    const response = await page.goto(new URL(recipe.path, origin).href, { waitUntil: 'load' });
    if (!response || response.status() >= 400)
      throw new Error(`${recipe.path} answers ${response?.status() ?? 'nothing'}.`);
    for (const [selector, value] of Object.entries(recipe.fill)) {
      const field = page.locator(selector).first();
      await field.waitFor({ state: 'visible' }).catch(() => {
        throw new Error(`there is no field "${selector}" on ${recipe.path}.`);
      });
      await field.fill(value);
    }
    const before = new URL(page.url()).pathname;
    await page.locator(recipe.press).first().click();
    if (recipe.until) await page.locator(recipe.until).first().waitFor({ state: 'attached' });
    else await page.waitForURL((url) => url.pathname !== before, { waitUntil: 'load' });
    if (new URL(page.url()).origin !== origin) throw new Error('it led to another origin.');
  } catch (error) {
    const said = (error as Error).message.split('\n')[0]!;
    throw new Error(
      `Signing in failed: ${/Timeout/.test(said) ? 'the form did not lead on; is the account right?' : said}`,
      {
        cause: error
      }
    );
  } finally {
    await page.close();
  }
}
