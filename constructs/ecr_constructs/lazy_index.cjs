// Has Node load the lazy index of the AWS bindings for the one that requires every resource.
// The reasons are in bindings.py, which names this file in NODE_OPTIONS.
'use strict';

const fs = require('fs');
const Module = require('module');
const path = require('path');

// CDKTF calls functions that Node deprecates; nobody who reads the warning could mend that.
process.noDeprecation = true;

const INDEX = path.join('lib', 'index.js');
const resolveFilename = Module._resolveFilename;

function isAwsBindings(root) {
  try {
    return JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')).name === '@cdktf/provider-aws';
  } catch {
    return false;
  }
}

Module._resolveFilename = function (...request) {
  const file = resolveFilename.apply(this, request);
  if (!file.endsWith(path.sep + INDEX)) return file;
  const lazy = path.join(path.dirname(file), 'lazy-index.js');
  if (!fs.existsSync(lazy) || !isAwsBindings(path.dirname(path.dirname(file)))) return file;
  Module._resolveFilename = resolveFilename;
  return lazy;
};
