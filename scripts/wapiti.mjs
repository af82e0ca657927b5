/**
 * `npm run wapiti`: Wapiti (Debian's package) crawls and attacks a server of its own, signed in as an owner of the demo, for
 * a few minutes. What it finds is printed and must have its line in docs/FINDINGS.md. Nothing but this machine is asked:
 * the modules that look things up elsewhere (nikto, wapp, ssrf, xxe) are left out. Exit code 0 also where it is not
 * installed, with a word; 1 when it found something that no line of FINDINGS.md names; 2 when the server fell ill.
 */
import { spawn, spawnSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startOwnServer } from './own-server.mjs';
import { project } from './sources.mjs';

const MODULES =
  'backup,blindsql,cookieflags,crlf,csp,exec,file,htaccess,http_headers,methods,permanentxss,redirect,shellshock,sql,xss';
const PASSWORD = 'the demo of the scanner';
const SECONDS = Number(process.argv[2] ?? 60);

if (spawnSync('wapiti', ['--version']).error) {
  process.stdout.write('Skipped: wapiti is not installed (apt-get install wapiti).\n');
  process.exit(0);
}
const directory = await mkdtemp(join(tmpdir(), 'watchfloor-wapiti-'));
await chmod(directory, 0o755);
let server;
let front;
try {
  server = await startOwnServer(directory, { WATCHFLOOR_DEMO: '1', WATCHFLOOR_DEMO_PASSWORD: PASSWORD });
  const origin = `http://127.0.0.1:${server.port}`;
  const [, owner] = /(\S+@\S+)\s+owner:/.exec(server.output()) ?? [];
  const cookie = await signIn(server.port, origin, owner);
  front = await openFront(server.port);
  const target = `http://127.0.0.1:${front.address().port}`;
  const report = join(directory, 'report.json');
  // Not in this process: the front runs here.
  const scanner = spawn(
    'wapiti',
    [
      ...['--no-bugreport', '--flush-session', '--store-session', directory, '--store-config', directory],
      ...['-u', `${target}/`, '-s', `${target}/account`, '-s', `${target}/login`],
      ...['-H', `cookie: ${cookie}`, '-H', `origin: ${origin}`, '-d', '4', '--max-links-per-page', '30', '-t', '10'],
      ...[
        '--max-scan-time',
        String(SECONDS),
        '--max-attack-time',
        String(SECONDS),
        '-m',
        MODULES,
        '-f',
        'json',
        '-o',
        report
      ]
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] }
  );
  const patience = setTimeout(() => scanner.kill(), 20 * SECONDS * 1_000);
  await new Promise((done) => scanner.once('close', done));
  clearTimeout(patience);
  const { vulnerabilities = {}, anomalies = {} } = JSON.parse(await readFile(report, 'utf8'));
  const known = await readFile(join(project, 'docs', 'FINDINGS.md'), 'utf8');
  const kinds = Object.entries({ ...vulnerabilities, ...anomalies }).filter(([, found]) => found.length > 0);
  const unnamed = kinds.filter(([kind]) => !known.includes(`wapiti: ${kind}`));
  process.stdout.write(`\n${kinds.length} kinds of findings\n`);
  for (const [kind, found] of kinds) {
    process.stdout.write(
      `\n${kind} (${found.length})${unnamed.some(([one]) => one === kind) ? ', not in docs/FINDINGS.md' : ''}\n`
    );
    for (const { method, path, info } of found.slice(0, 5)) process.stdout.write(`  ${method} ${path}: ${info}\n`);
  }
  const failures = server
    .output()
    .split('\n')
    .filter((line) => /"level":(50|60)/.test(line));
  process.stdout.write(`\n${failures.length} failures in the log\n${failures.slice(0, 5).join('\n')}\n`);
  process.exitCode = failures.length > 0 ? 2 : unnamed.length > 0 ? 1 : 0;
} finally {
  front?.close().closeAllConnections();
  await server?.stop();
  await rm(directory, { recursive: true, force: true });
}

/**
 * What ends the session would end the scan, and the option that leaves a path out does not work in Debian 12's package (its
 * pattern is none for Python 3.11).
 */
async function openFront(port) {
  const host = `127.0.0.1:${port}`;
  const passing = createServer((asked, answer) => {
    if (/^\/logout|\/end/.test(asked.url)) return answer.writeHead(303, { location: '/account' }).end();
    const passed = request({
      host: '127.0.0.1',
      port,
      path: asked.url,
      method: asked.method,
      headers: { ...asked.headers, host }
    });
    passed.once('response', (found) => {
      answer.writeHead(found.statusCode, found.headers);
      found.pipe(answer);
    });
    passed.once('error', () => answer.destroy());
    asked.pipe(passed);
  });
  const free = await freePort();
  await new Promise((done) => passing.listen(free, '127.0.0.1', done));
  return passing;
}

function signIn(port, origin, email) {
  return new Promise((resolve, reject) => {
    const headers = { origin, accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' };
    request({ host: '127.0.0.1', port, path: '/login', method: 'POST', headers }, (answer) => {
      const [cookie] = answer.headers['set-cookie'] ?? [];
      answer.resume();
      if (cookie) resolve(cookie.split(';', 1)[0]);
      else reject(new Error(`The demo's owner could not sign in: ${answer.statusCode}`));
    })
      .once('error', reject)
      .end(new URLSearchParams({ email, password: PASSWORD }).toString());
  });
}
