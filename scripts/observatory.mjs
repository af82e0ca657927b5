/**
 * `npm run observatory`: the score of Mozilla's HTTP Observatory for the built server, asked of it here: once over http as
 * on this machine alone, and once behind TLS (a certificate made for the run, and what a proxy does: http leads to https).
 * The scanner is no dependency (230 packages, 130 MB): it is installed into a temporary directory, without scripts; the
 * lists that it would download (preloaded names) are left empty. Exit code 1 when a score is below what SECURITY.md says,
 * 2 when it could not be measured.
 */
import { spawn, spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttp, request } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startOwnServer } from './own-server.mjs';

const SCANNER = '@mdn/mdn-http-observatory@1.4.8';
/** What SECURITY.md says; a lower score fails. */
const LEAST = { http: 60, tls: 130 };
const directory = await mkdtemp(join(tmpdir(), 'watchfloor-observatory-'));
// Where it runs as root, Postgres is another user, who must get to its data.
await chmod(directory, 0o755);
const servers = [];
const own = [];
const startWatchfloor = async (more) => {
  const started = await startOwnServer(directory, more);
  own.push(started);
  return started.port;
};

try {
  const scan = await installScanner();
  const plain = await startWatchfloor();
  const results = { http: await scan({ httpPort: plain, httpsPort: 1 }, '/login') };
  const tls = await startBehindTls();
  results.tls = await scan(tls, '/login');
  let isLow = false;
  for (const [name, { score, grade, tests }] of Object.entries(results)) {
    process.stdout.write(`\n${name}: ${score} (${grade})\n`);
    for (const test of tests) process.stdout.write(`  ${test.pass ? 'pass' : 'fail'} ${test.name}: ${test.result}\n`);
    isLow ||= score < LEAST[name];
  }
  process.exitCode = isLow ? 1 : 0;
} catch (error) {
  process.stderr.write(`The Observatory could not be asked: ${error.message}\n`);
  process.exitCode = 2;
} finally {
  for (const server of own) await server.stop();
  for (const server of servers) server.close(() => undefined).closeAllConnections();
  await rm(directory, { recursive: true, force: true });
}

/** Scores as scan() of the package does, which itself knows no ports. */
async function installScanner() {
  const place = join(directory, 'scanner');
  await mkdir(place);
  await writeFile(join(place, 'package.json'), '{"private":true,"type":"module"}');
  const install = ['install', '--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund', SCANNER];
  const { status, stderr } = spawnSync('npm', install, { cwd: place, encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm could not install ${SCANNER}: ${stderr.split('\n')[0]}`);
  const root = join(place, 'node_modules', '@mdn', 'mdn-http-observatory');
  await writeFile(join(root, 'conf', 'hsts-preload.json'), '{}');
  await writeFile(
    join(place, 'ask.mjs'),
    `import { retrieve } from '${root}/src/retriever/retriever.js';
     import { ALL_TESTS } from '${root}/src/constants.js';
     import { MINIMUM_SCORE_FOR_EXTRA_CREDIT } from '${root}/src/grader/charts.js';
     import { getGradeForScore, getScoreModifier } from '${root}/src/grader/grader.js';
     const [options, path] = JSON.parse(process.argv[2]);
     const requests = await retrieve('localhost', { ...options, path });
     if (!requests.responses.auto) throw new Error('nothing answered');
     const results = ALL_TESTS.map((test) => test(requests)).filter(({ result }) => result);
     const modifiers = results.map(({ result }) => getScoreModifier(result));
     const uncurved = modifiers.filter((one) => one < 0).reduce((sum, one) => sum + one, 100);
     const all = modifiers.reduce((sum, one) => sum + one, 100);
     const { score, grade } = getGradeForScore(uncurved >= MINIMUM_SCORE_FOR_EXTRA_CREDIT ? all : uncurved);
     console.log(JSON.stringify({ score, grade, tests: results.map(({ constructor, result, pass }) => ({ name: constructor.name, result, pass })) }));`
  );
  return async (options, path) => {
    const child = spawn(process.execPath, ['ask.mjs', JSON.stringify([options, path])], {
      cwd: place,
      env: { ...process.env, NODE_EXTRA_CA_CERTS: join(directory, 'certificate.pem') },
      stdio: ['ignore', 'pipe', 'pipe']
    });
    let [out, error] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (error += text));
    await new Promise((done) => child.once('close', done));
    if (!out.startsWith('{')) throw new Error(error.split('\n').find((line) => line.includes('Error')) ?? 'no answer');
    return JSON.parse(out);
  };
}

/** https on one port, and http on another that leads there, as the shipped proxies do. */
async function startBehindTls() {
  const [key, certificate] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')];
  const made = spawnSync('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-keyout',
    key,
    '-out',
    certificate,
    '-subj',
    '/CN=localhost',
    '-addext',
    'subjectAltName=DNS:localhost'
  ]);
  if (made.status !== 0) throw new Error('openssl made no certificate (is it installed?)');
  const [httpPort, httpsPort] = [await freePort(), await freePort()];
  const port = await startWatchfloor({ ORIGIN: `https://localhost:${httpsPort}` });
  const secure = createHttps({ key: await readFile(key), cert: await readFile(certificate) }, (asked, answer) => {
    const passed = request(
      { host: '127.0.0.1', port, path: asked.url, method: asked.method, headers: asked.headers },
      (found) => {
        answer.writeHead(found.statusCode, found.headers);
        found.pipe(answer);
      }
    );
    asked.pipe(passed);
  });
  const plain = createHttp((asked, answer) => {
    answer.writeHead(308, { location: `https://localhost:${httpsPort}${asked.url}` }).end();
  });
  servers.push(secure, plain);
  await new Promise((done) => secure.listen(httpsPort, 'localhost', done));
  await new Promise((done) => plain.listen(httpPort, 'localhost', done));
  return { httpPort, httpsPort };
}
