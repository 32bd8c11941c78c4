# For who expects a Makefile; ./test, scripts/build and cmake do the work.
.PHONY: build package test

build:
	scripts/install_packages build
	scripts/build release yellow

# build/release/yellow_<version>_<architecture>.deb
package: build
	scripts/install_packages package
	cd build/release && cpack -G DEB

test:
	./test
