#!/bin/sh
echo "hello from the other side"
