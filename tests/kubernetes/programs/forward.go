package main

import (
	"errors"
	"io"
	"net"
)

// forward FROM TO: takes connections at the address FROM (the bridge of the pods) and carries each to TO (loopback), until it is ended.
// With it a server that listens on loopback only can be reached from the pods.
func forward(arguments []string) error {
	if len(arguments) != 2 {
		return errors.New("two addresses are needed: from, to")
	}
	listener, err := net.Listen("tcp", arguments[0])
	if err != nil {
		return err
	}
	for {
		client, err := listener.Accept()
		if err != nil {
			return err
		}
		go carry(client.(*net.TCPConn), arguments[1])
	}
}

func carry(client *net.TCPConn, to string) {
	defer client.Close()
	connection, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	server := connection.(*net.TCPConn)
	defer server.Close()
	answered := make(chan struct{})
	go func() {
		_, _ = io.Copy(client, server)
		_ = client.CloseWrite()
		close(answered)
	}()
	// One side may end its half first and still be answered.
	_, _ = io.Copy(server, client)
	_ = server.CloseWrite()
	<-answered
}
