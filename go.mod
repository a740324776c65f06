module github.com/iot-milter/iot-milter

go 1.26
