# What is installed, and the Debian package of it: `make package`. The version is that of project() alone.
include(GNUInstallDirs)
install(TARGETS yellow RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
set(documents ${CMAKE_INSTALL_DATADIR}/doc/yellow)
install(FILES README.md DESTINATION ${documents})
install(FILES LICENSE DESTINATION ${documents} RENAME copyright)
install(DIRECTORY docs/ DESTINATION ${documents}/docs)
install(DIRECTORY examples DESTINATION ${documents})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME yellow)
set(CPACK_PACKAGE_CONTACT "Maintainers of Yellow <root@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "data platform that is compiled from a model")
set(CPACK_PACKAGE_DESCRIPTION
"Producers declare datastores, consumers declare workspaces, and transformers
turn one into the other. Yellow compiles that model into an intention graph and
realises it on PostgreSQL: it ingests the sources, runs the transformers, and
shows each consumer whole committed batches and nothing else.
.
Begin with: yellow demo")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# psql opens a workspace; the server is needed only where a container is embedded, as in the demo.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "postgresql-client, tzdata")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates, postgresql-15 | postgresql (>= 15)")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "python3, python3-pip")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
