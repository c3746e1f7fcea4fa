#!/bin/sh
exec /bin/probe "$@"
