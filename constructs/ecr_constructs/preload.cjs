// What Node loads before jsii, so that the AWS bindings load fast. NODE_OPTIONS names this file;
// the reasons are in bindings.py.
'use strict';

const { spawn } = require('child_process');
const { EventEmitter } = require('events');
const fs = require('fs');
const Module = require('module');
const path = require('path');
const workers = require('worker_threads');

// CDKTF calls functions that Node deprecates; nobody who reads the warning could mend that. With
// Node's option of the same meaning the property is read-only.
if (!process.noDeprecation) process.noDeprecation = true;

function isAwsBindings(root) {
  try {
    return JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')).name === '@cdktf/provider-aws';
  } catch {
    return false;
  }
}

// The lazy index for the one that requires every resource.
const INDEX = path.join('lib', 'index.js');
const resolveFilename = Module._resolveFilename;

Module._resolveFilename = function (...request) {
  const file = resolveFilename.apply(this, request);
  if (!file.endsWith(path.sep + INDEX)) return file;
  const lazy = path.join(path.dirname(file), 'lazy-index.js');
  if (!fs.existsSync(lazy) || !isAwsBindings(path.dirname(path.dirname(file)))) return file;
  Module._resolveFilename = resolveFilename;
  return lazy;
};

// jsii's worker that writes the index of types, as a process that outlives this one. When the
// program ends, jsii removes the worker's code, so it comes as the standard input, and the package's
// place, which is a link to where the cache has it.
const RUN_WORKER = `
  require('os').setPriority(19);
  const code = require('fs').readFileSync(0, 'utf8');
  new (require('worker_threads').Worker)(code, { eval: true, workerData: JSON.parse(process.argv[1]) });
`;
const Worker = workers.Worker;

workers.Worker = class extends Worker {
  constructor(file, options) {
    if (path.basename(String(file)) !== 'runtime-index-worker.js' || !isAwsBindings(options.workerData.packageDir)) {
      super(file, options);
      return;
    }
    const packageDir = fs.realpathSync(options.workerData.packageDir);
    const data = JSON.stringify({ ...options.workerData, packageDir });
    const { NODE_OPTIONS, ...env } = process.env;
    const code = fs.openSync(file);
    spawn(process.execPath, [...process.execArgv, '-e', RUN_WORKER, data], {
      detached: true,
      env,
      stdio: [code, 'ignore', 'ignore'],
      windowsHide: true,
    })
      .on('error', () => {})
      .unref();
    fs.closeSync(code);
    return new EventEmitter();
  }
};
