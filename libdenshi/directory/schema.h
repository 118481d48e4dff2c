/*
 * The version of schema, tree and access rules. It stands in cn=policy as
 * denshiSchemaVersion; a directory from before there was one has none, which is 0.
 * It goes up by one with each release in which a program of before would misread or
 * damage what it finds.
 */
#ifndef DENSHI_DIRECTORY_SCHEMA_H
#define DENSHI_DIRECTORY_SCHEMA_H

#define DENDIR_SCHEMA_VERSION 1

#endif
