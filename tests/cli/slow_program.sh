#!/bin/sh
# Stands for a program that does not end in time.
exec sleep 30
